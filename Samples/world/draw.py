"""Pictures of the sample world, with Pillow."""
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_fonts = {}


def polygon(shape, x, y, r, angle):
    """Corners of a shape of radius `r` around (x, y), in pixels."""
    def around(radii, offset=-math.pi / 2):
        n = len(radii)
        return [(x + q * r * math.cos(angle + offset + 2 * math.pi * i / n),
                 y + q * r * math.sin(angle + offset + 2 * math.pi * i / n)) for i, q in enumerate(radii)]

    if shape == "square":
        return around([1] * 4, -math.pi / 4)
    if shape == "triangle":
        return around([1] * 3)
    if shape == "star":
        return around([1, 0.42] * 5)
    arm = 0.32
    corners = [(-arm, -1), (arm, -1), (arm, -arm), (1, -arm), (1, arm), (arm, arm), (arm, 1), (-arm, 1), (-arm, arm),
               (-1, arm), (-1, -arm), (-arm, -arm)]
    c, s = math.cos(angle), math.sin(angle)
    return [(x + r * (px * c - py * s), y + r * (px * s + py * c)) for px, py in corners]


def backdrop(background, size):
    """The background alone, as an image of `size` (width, height)."""
    width, height = size
    unit = min(size)
    a, b = np.array(background["a"], np.float32), np.array(background["b"], np.float32)
    kind = background["kind"]
    if kind == "plain":
        return Image.new("RGB", size, tuple(background["a"]))
    x = np.arange(width, dtype=np.float32)[None, :] / unit
    y = np.arange(height, dtype=np.float32)[:, None] / unit
    c, s = math.cos(background["angle"]), math.sin(background["angle"])
    if kind == "gradient":
        u = x * c + y * s
        u = (u - u.min()) / max(1e-6, float(u.max() - u.min()))
    elif kind == "texture":
        u = ((x * c + y * s) / background["period"]) % 1.0 < 0.5
        if background["checks"]:
            u = u ^ (((x * -s + y * c) / background["period"]) % 1.0 < 0.5)
        u = np.broadcast_to(u, (height, width)).astype(np.float32)
    else:
        noise = np.random.default_rng(background["seed"]).normal(0, background["grain"], (height, width, 1))
        return Image.fromarray(np.clip(a + noise, 0, 255).astype(np.uint8))
    u = np.broadcast_to(u, (height, width))[..., None]
    return Image.fromarray(np.clip(a + (b - a) * u, 0, 255).astype(np.uint8))


def font(pixels):
    pixels = max(6, pixels)
    if pixels not in _fonts:
        _fonts[pixels] = ImageFont.load_default(pixels)
    return _fonts[pixels]


def write(draw, text, unit):
    # A capital letter of Pillow's own font is 0.73 of its size.
    face = font(int(round(text.height * unit / 0.73)))
    x, y = text.centre[0] * unit, text.centre[1] * unit
    stroke = max(1, int(text.height * unit * (0.09 if text.style["stroke"] else 0.05)))
    box = draw.textbbox((x, y), text.string, font=face, anchor="mm", stroke_width=stroke)
    if text.style["box"]:
        pad = 0.03 * unit
        draw.rectangle((box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad), fill=(16, 16, 24))
    draw.text((x, y), text.string, font=face, anchor="mm", fill=text.style["ink"], stroke_width=stroke,
              stroke_fill=text.style["ink"] if text.style["box"] else (10, 10, 10))


class Painter:
    """Draws the frames of a clip at one size; the backdrop of the scene is kept."""

    def __init__(self, clip, size):
        self.clip, self.size = clip, size
        self.unit = min(size)
        self.kept = (None, None)

    def frame(self, t):
        scene = self.clip.scene_at(t)
        if self.kept[0] is not scene:
            self.kept = (scene, backdrop(scene.background, self.size))
        image = self.kept[1].copy()
        draw = ImageDraw.Draw(image)
        for thing in scene.things:
            state = thing.state(t)
            if state is None:
                continue
            x, y, r, angle = state[0] * self.unit, state[1] * self.unit, state[2] * self.unit, state[3]
            if thing.shape == "circle":
                draw.ellipse((x - r, y - r, x + r, y + r), fill=thing.shade)
            else:
                draw.polygon(polygon(thing.shape, x, y, r, angle), fill=thing.shade)
        text = scene.text
        if text and text.start <= t < text.end:
            write(draw, text, self.unit)
        return image

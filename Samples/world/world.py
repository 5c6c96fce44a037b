"""The sample world: what can be in a clip, and where everything is at any time.

A clip is a row of scenes with hard cuts. A scene has a background, one to three objects and sometimes a short text.
Lengths are in units of the shorter side of the picture, times in seconds from the start of the clip. Nothing is drawn
here (draw.py does) and nothing is said (language.py does): this file alone decides what is true.
"""
import math
from dataclasses import dataclass, field

SHAPES = ("circle", "square", "triangle", "star", "cross")
COLOURS = {
    "red": (222, 38, 42), "orange": (244, 138, 28), "yellow": (246, 226, 48), "green": (44, 172, 66),
    "cyan": (58, 208, 226), "blue": (42, 84, 226), "purple": (152, 58, 196), "white": (246, 246, 246),
}
MOTIONS = ("still", "left", "right", "up", "down", "growing", "shrinking", "spinning", "blinking")
BACKGROUNDS = ("plain", "gradient", "texture", "noise")
WORDS = ("STOP", "GO", "EXIT", "OPEN", "SALE", "NEWS", "LIVE", "HELP", "TAXI", "CAFE", "BANK", "PARK", "HOTEL", "BUS",
         "ZOO", "WAIT")
ASPECTS = ((16, 9), (4, 3), (1, 1), (3, 4), (9, 16))

SMALL, LARGE = (0.13, 0.16), (0.21, 0.25)  # radii
GROWN, SHRUNK = 0.27, 0.09
SCENE_SECONDS = (3.0, 6.5)
SHORTEST_SHOW = 1.6  # an object or text that comes or goes is there for at least so long, and away for 1 s
BLINK_PERIOD = 1.0  # shown for the half of it around each whole second
TEXT_BAND = 0.34  # height kept free for the text
FASTEST = 0.42  # per second


@dataclass
class Thing:
    """An object: its looks, its way, and the time for which it is there (from `start` to before `end`)."""
    shape: str
    colour: str
    motion: str
    size: str | None  # "small", "large"; None where it changes
    start: float
    end: float
    path: tuple  # (x, y) at start, (x, y) at end
    radii: tuple  # radius at start and at end
    angle: float = 0.0
    spin: float = 0.0  # radians per second
    shade: tuple = (0, 0, 0)  # the colour as drawn

    @property
    def name(self):
        return f"{self.colour} {self.shape}"

    def state(self, t):
        """(x, y, radius, angle) at `t`, or None where it cannot be seen."""
        if not self.start <= t < self.end:
            return None
        if self.motion == "blinking" and ((t / BLINK_PERIOD + 0.25) % 1.0) >= 0.5:
            return None
        u = (t - self.start) / (self.end - self.start)
        (x0, y0), (x1, y1) = self.path
        r0, r1 = self.radii
        return x0 + (x1 - x0) * u, y0 + (y1 - y0) * u, r0 + (r1 - r0) * u, self.angle + self.spin * (t - self.start)


@dataclass
class Text:
    string: str
    start: float
    end: float
    centre: tuple
    height: float  # of a capital letter
    style: dict


@dataclass
class Scene:
    start: float
    end: float
    background: dict
    things: list = field(default_factory=list)
    text: Text | None = None


@dataclass
class Clip:
    aspect: tuple
    seconds: float
    scenes: list

    @property
    def extent(self):
        """Width and height in units of the shorter side."""
        w, h = self.aspect
        return w / min(w, h), h / min(w, h)

    def scene_at(self, t):
        for scene in self.scenes:
            if t < scene.end:
                return scene
        return self.scenes[-1]


# MARK: drawing lots

def shaded(rng, colour, spread=12):
    return tuple(int(min(255, max(0, c + rng.uniform(-spread, spread)))) for c in COLOURS[colour])


def random_background(rng, light):
    """Tones that are dull, and dark unless `light`: every colour of an object stands out."""
    def tone():
        grey = rng.uniform(150, 195) if light else rng.uniform(8, 88)
        return tuple(int(min(205, max(0, grey + rng.uniform(-16, 16)))) for _ in range(3))

    kind = rng.choice(BACKGROUNDS)
    a = tone()
    b = tuple(int(c + rng.choice((-1, 1)) * rng.uniform(10, 28)) for c in a) if kind == "texture" else tone()
    return {"kind": kind, "a": a, "b": tuple(min(210, max(0, c)) for c in b), "angle": rng.uniform(0, math.pi),
            "period": rng.uniform(0.06, 0.2), "checks": rng.random() < 0.5, "grain": rng.uniform(6, 22),
            "seed": rng.randrange(1 << 30)}


def random_show(rng, start, end):
    """When something of a scene is there: mostly all the time."""
    length = end - start
    kind = rng.random()
    if length < SHORTEST_SHOW + 1.1 or kind < 0.6:
        return start, end
    if kind < 0.8:
        return start + rng.uniform(1.0, length - SHORTEST_SHOW), end
    return start, start + rng.uniform(SHORTEST_SHOW, length - 1.0)


def random_path(rng, motion, seconds, radius, area):
    """Start and end of the way within `area` (x0, y0, x1, y1), or None where there is no room to be seen moving."""
    x0, y0, x1, y1 = (area[0] + radius, area[1] + radius, area[2] - radius, area[3] - radius)
    if x1 <= x0 or y1 <= y0:
        return None
    x, y = rng.uniform(x0, x1), rng.uniform(y0, y1)
    if motion not in ("left", "right", "up", "down"):
        return (x, y), (x, y)
    room = x1 - x0 if motion in ("left", "right") else y1 - y0
    length = min(room * rng.uniform(0.75, 1.0), FASTEST * seconds)
    if length / seconds < 0.06:
        return None
    low = rng.uniform(0, room - length)
    if motion in ("left", "right"):
        ends = (x0 + low, y), (x0 + low + length, y)
    else:
        ends = (x, y0 + low), (x, y0 + low + length)
    return ends if motion in ("right", "down") else ends[::-1]


def random_thing(rng, scene_start, scene_end, area, crowded, light, plain=False):
    motion = rng.choice(MOTIONS)
    shape = rng.choice([s for s in SHAPES if not (motion == "spinning" and s == "circle")])
    colour = rng.choice([c for c in COLOURS if not (light and c in ("white", "yellow", "cyan"))])
    # Away for longer than a blink, or the two could not be told apart.
    start, end = (scene_start, scene_end) if motion == "blinking" else random_show(rng, scene_start, scene_end)
    size, spin, angle = None, 0.0, rng.uniform(-0.17, 0.17)
    if motion in ("growing", "shrinking"):
        grown = GROWN if not crowded else 0.24
        radii = (SHRUNK, grown) if motion == "growing" else (grown, SHRUNK)
    else:
        size = "large" if plain else "small" if crowded or rng.random() < 0.5 else "large"
        radii = (rng.uniform(*(SMALL if size == "small" else LARGE)),) * 2
    if motion == "spinning":
        spin = rng.choice((-1, 1)) * math.radians(rng.uniform(44, 76))
    path = random_path(rng, motion, end - start, max(radii), area)
    if path is None:
        return None
    return Thing(shape, colour, motion, size, start, end, path, radii, angle, spin, shaded(rng, colour))


def is_apart(a, b):
    """Whether two things never touch, whenever both are there."""
    start, end = max(a.start, b.start), min(a.end, b.end)
    steps = max(2, int((end - start) * 4))
    for i in range(steps + 1):
        t = start + (end - start) * i / steps
        def at(thing):
            u = min(1.0, max(0.0, (t - thing.start) / (thing.end - thing.start)))
            (x0, y0), (x1, y1) = thing.path
            return x0 + (x1 - x0) * u, y0 + (y1 - y0) * u, thing.radii[0] + (thing.radii[1] - thing.radii[0]) * u
        (ax, ay, ar), (bx, by, br) = at(a), at(b)
        if math.hypot(ax - bx, ay - by) < ar + br + 0.02:
            return False
    return True


def random_text(rng, scene_start, scene_end, extent, top, light):
    width, height = extent
    string = rng.choice(WORDS) if rng.random() < 0.6 else str(rng.randrange(100))
    capital = rng.uniform(0.18, 0.22)
    half = 0.42 * capital * len(string) + 0.04
    centre = (rng.uniform(half, width - half) if half < width / 2 else width / 2,
              TEXT_BAND / 2 if top else height - TEXT_BAND / 2)
    boxed = light or rng.random() < 0.5
    ink = rng.choice(((250, 250, 250), (250, 240, 120)))
    start, end = random_show(rng, scene_start, scene_end)
    return Text(string, start, end, centre, capital, {"ink": ink, "box": boxed, "stroke": rng.random() < 0.5})


def random_scene(rng, start, end, aspect, plain=False):
    """A scene from `start` to `end`; a plain one, to begin learning with: one large object on one dark tone."""
    width, height = (aspect[0] / min(aspect), aspect[1] / min(aspect))
    light = not plain and rng.random() < 0.2
    scene = Scene(start, end, random_background(rng, light))
    area = [0.02, 0.02, width - 0.02, height - 0.02]
    if plain:
        scene.background["kind"] = "plain"
    elif rng.random() < 0.4:
        top = rng.random() < 0.5
        scene.text = random_text(rng, start, end, (width, height), top, light)
        area[1 if top else 3] = TEXT_BAND if top else height - TEXT_BAND
    count = 1 if plain else rng.choice((1, 1, 1, 2, 2, 3))
    for _ in range(count):
        for _ in range(30):
            thing = random_thing(rng, start, end, area, count >= 2, light, plain)
            if thing is None or any(thing.name == other.name for other in scene.things):
                continue
            if all(is_apart(thing, other) for other in scene.things):
                scene.things.append(thing)
                break
    if not scene.things:
        return random_scene(rng, start, end, aspect, plain)
    return scene


def random_clip(rng, seconds, aspect=None, frame_rate=None):
    """A clip of about `seconds`. With a frame rate, cuts, comings and goings fall on frames of that rate."""
    aspect = aspect or rng.choice(ASPECTS)
    edges, left = [0.0], seconds
    while left > SCENE_SECONDS[1]:
        length = rng.uniform(SCENE_SECONDS[0], min(SCENE_SECONDS[1], left - SCENE_SECONDS[0]))
        edges.append(edges[-1] + length)
        left -= length
    edges.append(seconds)
    if frame_rate:
        edges = [round(e * frame_rate) / frame_rate for e in edges]
    scenes = [random_scene(rng, a, b, aspect) for a, b in zip(edges, edges[1:])]
    if frame_rate:
        for scene in scenes:
            for item in [*scene.things, *([scene.text] if scene.text else [])]:
                item.start = round(item.start * frame_rate) / frame_rate
                item.end = round(item.end * frame_rate) / frame_rate
    return Clip(aspect, edges[-1], scenes)

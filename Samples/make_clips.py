#!/usr/bin/env python3
"""Draws the sample clips and writes clips.json, the truth about them.

usage: make_clips.py [--output DIR] [CLIP…]      (default: the folder of this script, all clips)

Needs ffmpeg with libx264 and libvpx-vp9; the pictures are drawn here with Python's standard library alone. Drawing uses
whole numbers only and each encoder runs on one thread without time stamps of the day, so the same ffmpeg gives the same
bytes. clips.json records what each clip shows and the SHA-256 of each file.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from fractions import Fraction

WHITE, BLACK, GREY = (245, 245, 245), (16, 16, 16), (120, 120, 124)
RED, GREEN, BLUE = (214, 40, 40), (40, 160, 70), (40, 80, 200)
YELLOW, ORANGE, PURPLE = (245, 205, 50), (240, 130, 30), (130, 60, 160)
SKY, NIGHT, GRASS, SAND = (150, 200, 240), (20, 24, 56), (90, 160, 80), (226, 206, 160)

# Seven segments a digit: top, upper left, upper right, middle, lower left, lower right, bottom.
SEGMENTS = {
    "0": "1110111", "1": "0010010", "2": "1011101", "3": "1011011", "4": "0111010", "5": "1101011", "6": "1101111",
    "7": "1010010", "8": "1111111", "9": "1111011",
}


class Canvas:
    """One RGB picture; every shape is clipped to it."""

    def __init__(self, width, height, colour):
        self.width, self.height = width, height
        self.pixels = bytearray(bytes(colour) * (width * height))

    def rectangle(self, x, y, width, height, colour):
        left, right = max(x, 0), min(x + width, self.width)
        if left < right:
            row = bytes(colour) * (right - left)
            for line in range(max(y, 0), min(y + height, self.height)):
                start = 3 * (line * self.width + left)
                self.pixels[start:start + len(row)] = row

    def circle(self, x, y, radius, colour):
        half = radius
        for dy in range(-radius, radius + 1):
            while half > 0 and half * half + dy * dy > radius * radius:
                half -= 1
            while (half + 1) ** 2 + dy * dy <= radius * radius:
                half += 1
            self.rectangle(x - half, y + dy, 2 * half + 1, 1, colour)

    def triangle(self, x, y, size, colour):
        """Point up, its base below (x, y) as centre."""
        for line in range(size):
            self.rectangle(x - line // 2, y - size // 2 + line, line + 1, 1, colour)

    def digits(self, text, x, y, height, colour):
        thick, width = max(height // 8, 2), height // 2
        for c in text:
            if c == ":":
                self.rectangle(x + thick, y + height // 3, thick, thick, colour)
                self.rectangle(x + thick, y + 2 * height // 3, thick, thick, colour)
                x += 3 * thick
                continue
            middle = (height - thick) // 2
            boxes = [(0, 0, width, thick), (0, 0, thick, middle + thick), (width - thick, 0, thick, middle + thick),
                     (0, middle, width, thick), (0, middle, thick, height - middle),
                     (width - thick, middle, thick, height - middle), (0, height - thick, width, thick)]
            for on, (bx, by, w, h) in zip(SEGMENTS[c], boxes):
                if on == "1":
                    self.rectangle(x + bx, y + by, w, h, colour)
            x += width + 2 * thick

    def transposed_clockwise(self):
        """The picture turned a quarter to the right."""
        out = Canvas(self.height, self.width, BLACK)
        row = 3 * self.width
        for x in range(self.width):
            column = b"".join(self.pixels[y * row + 3 * x:y * row + 3 * x + 3] for y in range(self.height - 1, -1, -1))
            out.pixels[x * 3 * self.height:(x + 1) * 3 * self.height] = column
        return out


def along(time, begin, end, first, last):
    """A whole number that goes evenly from `first` at `begin` to `last` at `end`."""
    return int(first + (last - first) * min(max((time - begin) / (end - begin), 0), 1))


# MARK: the clips

def shapes(time):
    if time < 4:
        c = Canvas(320, 180, SKY)
        c.rectangle(0, 140, 320, 40, GRASS)
        c.circle(along(time, 0, 4, 30, 290), 100, 26, RED)
        c.digits("1", 292, 10, 32, WHITE)
    elif time < 8:
        c = Canvas(320, 180, NIGHT)
        size = along(time, 4, 8, 20, 130)
        c.rectangle(160 - size // 2, 90 - size // 2, size, size, GREEN)
        c.digits("2", 292, 10, 32, WHITE)
    else:
        c = Canvas(320, 180, WHITE)
        for i in range(3):
            if time >= 8 + Fraction(4 * i, 3):  # one more triangle every 4/3 s
                c.triangle(70 + 90 * i, 100, 70, (YELLOW, ORANGE, PURPLE)[i])
        c.digits("3", 292, 10, 32, BLACK)
    return c


def countdown(time):
    second = int(time)
    c = Canvas(180, 320, BLUE if second < 5 else ORANGE)
    text = str(10 - second)
    c.digits(text, 28 if len(text) == 2 else 63, 90, 100, WHITE)
    c.rectangle(20, 260, 140, 12, BLACK)
    c.rectangle(20, 260, along(time, second, second + 1, 0, 140), 12, WHITE)
    return c


def crossing(time):
    night = time >= 18
    c = Canvas(320, 180, NIGHT if night else SKY)
    c.rectangle(0, 84, 320, 96, (44, 44, 48) if night else GREY)
    for x in range(10, 320, 60):
        c.rectangle(x, 130, 30, 4, WHITE)
    go = 6 <= time < 12
    c.rectangle(272, 24, 24, 52, BLACK)
    c.rectangle(282, 76, 4, 20, BLACK)
    c.circle(284, 36, 9, (70, 20, 20) if go or night else RED)
    c.circle(284, 62, 9, GREEN if go else (20, 60, 30))

    def car(x, y, colour):
        c.rectangle(x, y, 56, 18, colour)
        c.rectangle(x + 12, y - 12, 30, 13, colour)
        c.rectangle(x + 16, y - 9, 22, 9, WHITE)
        c.circle(x + 13, y + 19, 7, BLACK)
        c.circle(x + 43, y + 19, 7, BLACK)

    if night:
        c.circle(110, 36, 16, WHITE)
        c.circle(117, 32, 14, NIGHT)
    elif time < 12:
        car(along(time, 6, 11, 150, 340), 104, RED)
        car(along(time, 7, 12, 60, 340), 150, BLUE)
    else:
        x = along(time, 12, 18, 330, -40)
        c.circle(x, 92, 8, SAND)
        c.rectangle(x - 7, 100, 15, 26, PURPLE)
        step = 4 if int(time * 4) % 2 else 0
        c.rectangle(x - 7 + step, 126, 6, 16, BLACK)
        c.rectangle(x + 2 - step, 126, 6, 16, BLACK)
    second = int(time)
    c.digits(f"{second // 60}:{second % 60:02d}", 8, 8, 20, WHITE if night else BLACK)
    return c


# Pictures a second of the variable-rate clip, by time: many while something fast happens.
CROSSING_RATES = [(0, 6, 10), (6, 12, 30), (12, 18, 10), (18, 24, 5)]


def crossing_times():
    for begin, end, rate in CROSSING_RATES:
        yield from (begin + Fraction(n, rate) for n in range((end - begin) * rate))


NTSC = Fraction(30000, 1001)
X264 = ["-c:v", "libx264", "-preset", "slow", "-crf", "22", "-pix_fmt", "yuv420p", "-x264-params", "threads=1",
        "-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m", "-color_range", "tv"]
VP9 = ["-c:v", "libvpx-vp9", "-b:v", "0", "-crf", "34", "-g", "120", "-row-mt", "0", "-threads", "1", "-pix_fmt", "yuv420p"]

CLIPS = {
    "shapes-and-cuts.mp4": {
        "about": "three scenes of coloured shapes with hard cuts; H.264 with B-frames and an AAC tone track",
        "draw": shapes, "times": [Fraction(n, 25) for n in range(12 * 25)], "rate": "25", "codec": "h264",
        "container": "mp4", "turned": False,
        "options": X264 + ["-bf", "2", "-g", "100", "-movflags", "+faststart"],
        "audio": "sine=frequency=330:sample_rate=24000:duration=12",
        "scenes": [
            (0, 4, "a red circle moves from left to right over green grass under a light blue sky; the number 1"),
            (4, 8, "a green square grows in the middle of a dark blue picture; the number 2"),
            (8, 12, "triangles appear one after another on white: yellow, orange (9.36 s), purple (10.68 s); the number 3"),
        ]},
    "countdown-portrait.mov": {
        "about": "a countdown from 10 to 1; stored lying, upright by its display matrix; 29.97 pictures a second",
        "draw": countdown, "times": [n / NTSC for n in range(299)], "rate": "30000/1001", "codec": "h264",
        "container": "mov", "turned": True, "options": X264 + ["-bf", "0", "-g", "60"],
        "scenes": [
            (0, 5.005, "white numbers 10, 9, 8, 7, 6 on blue, one a second; a white bar fills below each"),
            (5.005, 9.976633, "white numbers 5, 4, 3, 2, 1 on orange, one a second; a white bar fills below each"),
        ]},
    "street-crossing.mkv": {
        "about": "a street with traffic light, cars and a walker; VP9, 30, 10 or 5 pictures a second by what happens",
        "draw": crossing, "times": list(crossing_times()), "rate": None, "codec": "vp9", "container": "matroska",
        "turned": False, "options": VP9, "rates": CROSSING_RATES,
        "scenes": [
            (0, 6, "a red and a blue car wait at a red traffic light by day"),
            (6, 12, "the light is green; the red car drives off to the right, a second later the blue one"),
            (12, 18, "the light is red; a person in purple walks from right to left across an empty street"),
            (18, 23.833, "the same street at night, empty, with a moon in the sky; the traffic light is off"),
        ]},
}


def turn_display_matrix(path):
    """Writes the matrix of a quarter turn into the track header of a QuickTime file, so that players show the stored
    picture turned to the left (90 degrees counter-clockwise)."""
    with open(path, "r+b") as f:
        data = f.read()
        at = data.index(b"tkhd") + 4 + 40  # the nine values come 40 bytes into the header's body
        one = (1 << 16).to_bytes(4, "big")
        upright = one + bytes(12) + one + bytes(12) + (1 << 30).to_bytes(4, "big")
        if data[at:at + 36] != upright:
            sys.exit(f"{path}: the track header is not laid out as expected")
        down = int(320 << 16).to_bytes(4, "big")  # moves the turned picture back into view
        matrix = bytes(4) + (-(1 << 16)).to_bytes(4, "big", signed=True) + bytes(4) + one + bytes(12) + down
        f.seek(at)
        f.write(matrix + (1 << 30).to_bytes(4, "big"))


def render(name, clip, output):
    path = os.path.join(output, name)
    first = clip["draw"](Fraction(0))
    width, height = (first.height, first.width) if clip["turned"] else (first.width, first.height)
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    filters = ["scale=out_color_matrix=bt601:flags=accurate_rnd+full_chroma_int"]
    if clip["rate"]:
        source += ["-framerate", clip["rate"]]
    else:  # the pictures come in order; setpts gives each its own time, in thousandths as Matroska keeps them
        steps = [t * 30 for t in clip["times"]]
        source += ["-framerate", "30"]
        filters.append("setpts='" + timeline(steps) + "/(30*TB)'")
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", *source, "-i", "pipe:0"]
    maps = ["-map", "0:v"]
    if "audio" in clip:
        command += ["-f", "lavfi", "-i", clip["audio"]]
        maps = ["-map", "1:a", "-map", "0:v", "-c:a", "aac", "-b:a", "24k"]  # sound first: the picture is not stream 0
    command += [*maps, "-vf", ",".join(filters), "-vsync", "passthrough", *clip["options"], "-fflags", "+bitexact",
                "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-map_metadata", "-1", path]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    for time in clip["times"]:
        picture = clip["draw"](time)
        process.stdin.write((picture.transposed_clockwise() if clip["turned"] else picture).pixels)
    process.stdin.close()
    if process.wait() != 0:
        sys.exit(f"{name}: ffmpeg ended with status {process.returncode}")
    if clip["turned"]:
        turn_display_matrix(path)
    return path


def timeline(steps):
    """An ffmpeg expression from picture number N to its step, as runs of equal distance."""
    runs, i = [], 0
    while i < len(steps):
        gap = steps[i + 1] - steps[i] if i + 1 < len(steps) else 1
        j = i
        while j + 1 < len(steps) and steps[j + 1] - steps[j] == gap:
            j += 1
        j = max(j, i + 1)
        runs.append((i, min(j, len(steps)), steps[i], gap))
        i = j
    expression = None
    for first, _, step, gap in reversed(runs):
        here = f"({step}+(N-{first})*{gap})"
        expression = here if expression is None else f"if(lt(N,{following}),{here},{expression})"
        following = first
    return expression


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("clips", nargs="*", metavar="CLIP", help="of: " + ", ".join(CLIPS))
    arguments = parser.parse_args()
    unknown = [c for c in arguments.clips if c not in CLIPS]
    if unknown:
        parser.error(f"no such clip: {', '.join(unknown)}")
    os.makedirs(arguments.output, exist_ok=True)
    truth = []
    for name, clip in CLIPS.items():
        path = os.path.join(arguments.output, name)
        if not arguments.clips or name in arguments.clips:
            render(name, clip, arguments.output)
        with open(path, "rb") as f:
            data = f.read()
        size = clip["draw"](Fraction(0))
        truth.append({
            "file": name, "about": clip["about"], "container": clip["container"], "codec": clip["codec"],
            "width": size.width, "height": size.height, "rotation": 90 if clip["turned"] else 0,
            "frames": len(clip["times"]), "frame_rate": clip["rate"] or "variable",
            "rates": [{"from": a, "until": b, "per_second": r} for a, b, r in clip.get("rates", [])],
            "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(),
            "scenes": [{"start": a, "end": b, "shows": text} for a, b, text in clip["scenes"]]})
        print(f"{name}: {len(clip['times'])} frames, {len(data)} bytes", file=sys.stderr)
    with open(os.path.join(arguments.output, "clips.json"), "w", encoding="utf-8") as f:
        json.dump({"clips": truth}, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()

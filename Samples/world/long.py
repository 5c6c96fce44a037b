#!/usr/bin/env python3
"""Renders one hours-long video of the sample world, with its truth and questions about single events.

usage: long.py OUTPUT [--hours H] [--scenes N] [--seed S] [--rate FRAMES-PER-SECOND]

OUTPUT gets long.mp4, truth.json and dataset.jsonl. Each scene lasts some minutes: one object stays in it all the time, and
for a few seconds another one comes and goes, which is nowhere else in the video (in 32 scenes at most: then the names are used up);
in half of the scenes, 16 at most, a text is shown for a few seconds, too. Questions ask when these can be seen. The same seed gives the same scenes and questions.

needs: numpy, pillow, av (PyPI)
"""
import argparse
import json
import pathlib
import random
from fractions import Fraction

import av
import numpy as np

import draw
import generate
import language
import world

SIZE = (320, 180)
SHOW_SECONDS = (4.0, 7.0)
#: seconds between a cut and anything that comes or goes, and between two of those
APART = 6.0
#: Forms that language.py also asks of what is not there: a model that is to find one window among hundreds must know to say
#: that it is none of the others.
SEEN = "When can the {} be seen?"
SHOWN = "When is the text {} shown?"


def scene_ends(rng, seconds, count):
    weights = [rng.uniform(0.75, 1.25) for _ in range(count)]
    ends, total = [], 0.0
    for weight in weights:
        total += weight
        ends.append(round(seconds * total / sum(weights), 3))
    return ends


def thing(rng, name, motion, start, end, area):
    """A small object of that name and motion; None where there is no room for it."""
    colour, shape = name
    radius = rng.uniform(*world.SMALL)
    path = world.random_path(rng, motion, end - start, radius, area)
    if path is None:
        return None
    return world.Thing(shape, colour, motion, "small", start, end, path, (radius, radius), 0.0, 0.0,
                       world.shaded(rng, colour))


def with_retries(make):
    for _ in range(200):
        made = make()
        if made is not None:
            return made
    raise SystemExit("no room for an object: choose another --seed")


def long_clip(rng, seconds, count):
    """-> the clip, and what its questions ask about: [(question, Thing or Text)]"""
    names = [(c, s) for c in world.COLOURS for s in world.SHAPES]
    rng.shuffle(names)
    residents, events = names[:8], names[8:]
    texts = list(world.WORDS)
    rng.shuffle(texts)
    width, height = SIZE[0] / min(SIZE), SIZE[1] / min(SIZE)
    # Residents keep to the left, guests to the right: they never touch.
    left, right = (0.0, world.TEXT_BAND, width * 0.4, height), (width * 0.45, world.TEXT_BAND, width, height)
    scenes, asked, start, resident = [], [], 0.0, None
    for end in scene_ends(rng, seconds, count):
        scene = world.Scene(start, end, world.random_background(rng, light=False))
        # Another one than before, or nothing but the background would tell two scenes apart.
        resident = rng.choice([name for name in residents if name != resident])
        scene.things.append(with_retries(lambda: thing(rng, resident, "still", start, end, left)))
        free = start + APART
        if events:
            name, length = events.pop(), rng.uniform(*SHOW_SECONDS)
            at = rng.uniform(free, (start + end) / 2 - length)
            guest = with_retries(lambda: thing(
                rng, name, rng.choice(("left", "right", "up", "down", "still")), at, at + length, right))
            scene.things.append(guest)
            asked.append((SEEN.format(guest.name), guest))
            free = guest.end + APART
        if texts and rng.random() < 0.5:
            length = rng.uniform(*SHOW_SECONDS)
            at = rng.uniform(free, end - length - APART)
            text = world.random_text(rng, at, at + length, (width, height), True, False)
            text.string, text.start, text.end = texts.pop(), at, at + length
            text.centre = (width / 2, world.TEXT_BAND / 2)
            scene.text = text
            asked.append((SHOWN.format(text.string), text))
        scenes.append(scene)
        start = end
    return world.Clip((16, 9), seconds, scenes), asked


def render(clip, path, rate):
    painter = draw.Painter(clip, SIZE)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "23"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, rate)
        last = (None, None)
        for i in range(round(clip.seconds * rate)):
            t = i / rate
            # What nothing moves in is drawn once.
            scene = clip.scene_at(t)
            state = (id(scene), [x.state(t) for x in scene.things],
                     scene.text is not None and scene.text.start <= t < scene.text.end)
            if state != last[0]:
                last = (state, np.asarray(painter.frame(t)))
            frame = av.VideoFrame.from_ndarray(last[1], format="rgb24")
            frame.pts, frame.time_base = i, Fraction(1, rate)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--hours", type=float, default=3)
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--rate", type=int, default=5)
    options = parser.parse_args()
    seconds = options.hours * 3600
    if seconds / options.scenes < 60:
        parser.error("scenes of less than a minute: choose more --hours or fewer --scenes")
    options.output.mkdir(parents=True, exist_ok=True)
    clip, asked = long_clip(random.Random(options.seed), seconds, options.scenes)
    path = options.output / "long.mp4"
    render(clip, path, options.rate)
    told = generate.truth(clip, {"file": path.name, "codec": "libx264", "frame_rate": options.rate})
    (options.output / "truth.json").write_text(json.dumps({"seed": options.seed, "clips": [told]}, indent=1) + "\n")
    with open(options.output / "dataset.jsonl", "w") as dataset:
        for index, (question, subject) in enumerate(asked):
            dataset.write(json.dumps({
                "id": f"{path.name}#{index}", "video": path.name, "question": question, "category": "when",
                "interval": [round(subject.start, 6), round(subject.end, 6)]}) + "\n")


if __name__ == "__main__":
    main()

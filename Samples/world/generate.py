#!/usr/bin/env python3
"""Renders clips of the sample world as video files, with their truth and questions.

usage: generate.py OUTPUT [--clips N] [--seed S] [--seconds LOW HIGH] [--questions N]

OUTPUT gets clip-0000.mp4 …, truth.json (scenes, objects and texts with their times) and dataset.jsonl: one line a
question, and one line a clip that asks for its summary, as `reelscribe eval --dataset` reads them. Codecs, containers,
sizes, aspect ratios, frame rates (variable ones too), rotation and compression are mixed. The same seed gives the same
scenes and questions.

needs: numpy, pillow, av (PyPI), and the program ffmpeg for the rotated files
"""
import argparse
import json
import pathlib
import random
import subprocess
from fractions import Fraction

import av
import numpy as np

import draw
import language
import world

#: encoder, file name ending, quality options from good to poor
CODECS = (
    ("libx264", "mp4", "crf", (18, 30), {"preset": "veryfast"}),
    ("libx264", "mkv", "crf", (18, 30), {"preset": "veryfast", "bf": "3"}),
    ("libx264", "mov", "crf", (18, 28), {"preset": "veryfast"}),
    ("libx265", "mp4", "crf", (20, 30), {"preset": "ultrafast", "x265-params": "log-level=error"}),
    ("mpeg4", "avi", "qscale", (3, 9), {}),
    ("mpeg2video", "ts", "qscale", (3, 9), {}),
    ("libvpx", "webm", "crf", (8, 30), {"deadline": "realtime", "cpu-used": "8", "b": "2M"}),
    ("libvpx-vp9", "webm", "crf", (20, 40), {"deadline": "realtime", "cpu-used": "8"}),
    ("mjpeg", "mov", "qscale", (3, 9), {}),
)
RATES = {"mpeg2video": (24, 25, 30, 50)}
ROTATABLE = ("mp4", "mov")


def render(clip, path, rng):
    """Writes one file. -> what is to be known of it"""
    encoder, ending, quality, span, options = rng.choice(CODECS)
    options = dict(options)
    rate = rng.choice(RATES.get(encoder, (10, 12, 15, 24, 25, 30, 60)))
    short = rng.choice((144, 180, 240, 270, 360, 480))
    width, height = (round(e * short / 2) * 2 for e in clip.extent)
    rotation = rng.choice((90, 180, 270)) if ending in ROTATABLE and rng.random() < 0.25 else 0
    is_variable = ending in ("mp4", "mkv", "webm") and rng.random() < 0.3
    level = rng.randint(*span)
    if quality == "crf":
        options["crf"] = str(level)
    stored = (height, width) if rotation in (90, 270) else (width, height)

    path = path.with_suffix("." + ending)
    first = path.with_name("turned." + ending) if rotation else path
    painter = draw.Painter(clip, (width, height))
    with av.open(str(first), "w") as container:
        stream = container.add_stream(encoder, rate=rate, options=options)
        stream.width, stream.height = stored
        stream.pix_fmt = "yuvj420p" if encoder == "mjpeg" else "yuv420p"
        if quality == "qscale":
            stream.codec_context.flags |= av.codec.context.Flags.qscale
            stream.codec_context.global_quality = level * 118  # FF_QP2LAMBDA
        base = Fraction(1, 1000) if is_variable else Fraction(1, rate)
        stream.codec_context.time_base = base
        total = round(clip.seconds * rate)
        for i in range(total):
            # A variable rate: some frames never come, but none at which something changes, and never the first or last.
            if is_variable and 0 < i < total - 1 and rng.random() < 0.4 and not changes_at(clip, i / rate):
                continue
            image = painter.frame(i / rate)
            if rotation:
                image = image.rotate(rotation, expand=True)
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24")
            frame.pts = round(i / rate / base)
            frame.time_base = base
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    if rotation:
        # Stored turned to the left by `rotation`, shown turned back.
        subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", first, "-c", "copy", "-metadata:s:v:0",
                        f"rotate={rotation}", path], check=True)
        first.unlink()
    return path, {"codec": encoder, "container": ending, "frame_rate": rate, "variable": is_variable,
                  "width": width, "height": height, "rotation": rotation, quality: level}


def changes_at(clip, t):
    """Whether what is to be seen differs from one frame before `t` to the next; blinking counts."""
    marks = [s.start for s in clip.scenes] + [e for s in clip.scenes for x in (*s.things, *([s.text] if s.text else []))
                                              for e in (x.start, x.end)]
    is_blinking = any(x.motion == "blinking" for s in clip.scenes for x in s.things)
    return is_blinking or any(abs(t - m) < 0.13 for m in marks)


def truth(clip, facts):
    """What there is in a clip and when, as JSON."""
    def events(scene):
        for thing in language.in_order(scene):
            yield {"event": "object", "shape": thing.shape, "colour": thing.colour, "size": thing.size,
                   "motion": thing.motion, "start": round(thing.start, 6), "end": round(thing.end, 6)}
        if scene.text:
            yield {"event": "text", "text": scene.text.string, "start": round(scene.text.start, 6),
                   "end": round(scene.text.end, 6)}

    return {**facts, "seconds": round(clip.seconds, 6),
            "scenes": [{"start": round(s.start, 6), "end": round(s.end, 6), "background": s.background["kind"],
                        "description": language.describe(s), "events": list(events(s))} for s in clip.scenes]}


def dataset_lines(clip, name, questions):
    """Lines for the eval command: the summary, then the questions."""
    mentions = []
    for scene in clip.scenes:
        span = [round(scene.start, 6), round(scene.end, 6)]
        for sentence in language.describe(scene).rstrip(".").split(". "):
            mentions.append({"text": sentence, "interval": span})
    yield {"id": f"{name}#summary", "video": name, "task": "summarize", "mentions": mentions, "category": "summary"}
    for index, q in enumerate(questions):
        line = {"id": f"{name}#{index}", "video": name, "question": q.text, "category": q.category, "answer": q.answer}
        if q.category == "when":
            key = "interval" if len(q.times) == 2 else "time"
            line[key] = [round(t, 6) for t in q.times] if key == "interval" else round(q.times[0], 6)
            if q.at_edge:
                line["category"] = "when, at an edge"
        if not q.is_answerable:
            line["answerable"] = False
        if q.evidence:
            line["evidence"] = [round(t, 6) for t in q.evidence]
        yield line


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--seconds", type=float, nargs=2, default=(4, 60), metavar=("LOW", "HIGH"))
    parser.add_argument("--questions", type=int, default=10, help="a clip (default 10)")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    told = []
    with open(options.output / "dataset.jsonl", "w") as dataset:
        for index in range(options.clips):
            rng = random.Random(f"{options.seed} {index}")
            low, high = options.seconds
            clip = world.random_clip(rng, low * (high / low) ** rng.random())
            path, facts = render(clip, options.output / f"clip-{index:04}", rng)
            told.append({"file": path.name, **truth(clip, facts)})
            for line in dataset_lines(clip, path.name, language.Asker(clip, rng).ask(options.questions)):
                dataset.write(json.dumps(line) + "\n")
    (options.output / "truth.json").write_text(json.dumps({"seed": options.seed, "clips": told}, indent=1) + "\n")


if __name__ == "__main__":
    main()

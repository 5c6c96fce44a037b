"""Training data, drawn in memory: frames as the tool would sample them, labels for the training heads, questions."""
import io
import random
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw

from network import CELL, PATCH, frame_size, language, world
import draw

SHAPE = {s: i + 1 for i, s in enumerate(world.SHAPES)}
COLOUR = {c: i + 1 for i, c in enumerate(world.COLOURS)}
MOTION = {m: i for i, m in enumerate(world.MOTIONS)}
WORD = {w: i + 1 for i, w in enumerate(world.WORDS)}
IGNORE = -100
#: training head -> number of classes; 0 is "nothing here" where there is such a class
HEADS = {"shape": 6, "colour": 9, "motion": 8, "size": 2, "there": 4, "word": 18, "tens": 11, "units": 10}


def spoilt(image, rng):
    """What compression leaves: JPEG's blocks and colour subsampling, at any quality."""
    if rng.random() < 0.35:
        return image
    data = io.BytesIO()
    image.save(data, "JPEG", quality=rng.randrange(25, 92), subsampling=2)
    return Image.open(data).convert("RGB")


class Camera:
    """Takes sampled frames of a clip at the size the model sees."""

    def __init__(self, clip, rng):
        width, height = clip.extent
        scale = rng.triangular(90, 300, 110)  # shorter side of the source
        source = (round(width * scale), round(height * scale))
        self.painter, self.target, self.rng = draw.Painter(clip, source), frame_size(*source), rng
        self.rate = rng.choice((8, 10, 12, 15, 24, 25, 30, 50, 60))

    def time(self, instant):
        """The time of the frame that is shown at an instant."""
        return int(instant * self.rate + 1e-6) / self.rate

    def frame(self, t):
        image = spoilt(self.painter.frame(t), self.rng)
        return np.asarray(image.resize(self.target, Image.BICUBIC))


def labels(clip, a, b, target):
    """Per cell of a pair of frames at times a and b: {head: [cells]}."""
    width, height = target
    unit = min(target)
    rows, columns = height // CELL, width // CELL
    out = {head: np.zeros((rows, columns), np.int64) for head in HEADS}
    for head in ("motion", "size", "units"):
        out[head][:] = IGNORE
    best = np.zeros((rows, columns))
    y, x = np.mgrid[2:height:4, 2:width:4].astype(np.float32)
    scenes = {id(clip.scene_at(t)): clip.scene_at(t) for t in (a, b)}.values()
    for scene in scenes:
        here = [t if clip.scene_at(t) is scene else None for t in (a, b)]
        for thing in scene.things:
            states = [thing.state(t) if t is not None else None for t in here]
            there = (states[0] is not None) + 2 * (states[1] is not None)
            if not there:
                continue
            cover = np.zeros((rows, columns))
            for state in states:
                if state is None:
                    continue
                cx, cy, r = state[0] * unit, state[1] * unit, state[2] * unit
                inside = (x - cx) ** 2 + (y - cy) ** 2 < (0.85 * r) ** 2
                share = inside.reshape(rows, CELL // 4, columns, CELL // 4).mean((1, 3))
                share[min(rows - 1, max(0, int(cy / CELL))), min(columns - 1, max(0, int(cx / CELL)))] += 0.3
                cover = np.maximum(cover, share)
            cells = (cover > 0.15) & (cover > best)
            best[cells] = cover[cells]
            out["shape"][cells], out["colour"][cells] = SHAPE[thing.shape], COLOUR[thing.colour]
            # One frame tells nothing of motion; a blink is seen as coming or going.
            out["motion"][cells] = MOTION[thing.motion] if there == 3 and thing.motion != "blinking" else IGNORE
            out["size"][cells] = {"small": 0, "large": 1, None: IGNORE}[thing.size]
            out["there"][cells] = {1: 1, 2: 2, 3: 3}[there]
        text = scene.text
        shown = [t is not None and text is not None and text.start <= t < text.end for t in here]
        if any(shown):
            half, tall = 0.36 * text.height * len(text.string) * unit, 0.5 * text.height * unit
            cx, cy = text.centre[0] * unit, text.centre[1] * unit
            inside = (abs(x - cx) < half) & (abs(y - cy) < tall)
            share = inside.reshape(rows, CELL // 4, columns, CELL // 4).mean((1, 3))
            cells = share > 0.18
            if text.string in WORD:
                out["word"][cells] = WORD[text.string]
            else:
                out["word"][cells] = len(WORD) + 1
                number = int(text.string)
                out["tens"][cells] = 0 if number < 10 else 1 + number // 10
                out["units"][cells] = number % 10
    no_number = out["word"] != len(WORD) + 1
    out["tens"][no_number] = IGNORE
    return {head: v.reshape(-1) for head, v in out.items()}


def masks(clip, times, target):
    """Where objects, and where letters are in the frames of a pair: U8 [patches, 2 * 2 * 7 * 7] of 0 and 1, patches in
    merge order."""
    width, height = target[0] // 2, target[1] // 2
    unit, out = min(width, height), []
    for t in times:
        scene = clip.scene_at(t)
        image = Image.new("L", (width, height))
        pen = ImageDraw.Draw(image)
        for thing in scene.things:
            state = thing.state(t)
            if state is None:
                continue
            x, y, r = (v * unit for v in state[:3])
            if thing.shape == "circle":
                pen.ellipse((x - r, y - r, x + r, y + r), fill=1)
            else:
                pen.polygon(draw.polygon(thing.shape, x, y, r, state[3]), fill=1)
        out.append(np.asarray(image))
        letters = Image.new("L", (width, height))
        text = scene.text
        if text and text.start <= t < text.end:
            ImageDraw.Draw(letters).text(
                (text.centre[0] * unit, text.centre[1] * unit), text.string, anchor="mm", fill=255,
                font=draw.font(int(round(text.height * unit / 0.73))))
        out.append((np.asarray(letters) > 100).astype(np.uint8))
    side = PATCH // 2
    grid = np.stack(out).reshape(4, height // (2 * side), 2, side, width // (2 * side), 2, side)
    return grid.transpose(1, 4, 2, 5, 0, 3, 6).reshape(-1, 4 * side * side)


def pair_batch(rng, count, aspect, plain):
    """`count` pairs from short clips, a share `plain` of them plain -> (U8 [count, 2, H, W, 3], {head: [count, cells]})."""
    frames, found = [], []
    while len(frames) < count:
        if rng.random() < plain:
            end = rng.uniform(3, 5)
            clip = world.Clip(aspect, end, [world.random_scene(rng, 0.0, end, aspect, plain=True)])
        else:
            clip = world.random_clip(rng, rng.uniform(3, 9), aspect)
        camera = Camera(clip, rng)
        camera.target = target = size_of(aspect)
        for _ in range(4):
            a = rng.uniform(0, clip.seconds - 0.55)
            if rng.random() < 0.6:
                # As in a real clip, on whole seconds, where blinking is at its clearest.
                a = float(int(a))
            times = camera.time(a), camera.time(a + 0.5)
            frames.append(np.stack([camera.frame(t) for t in times]))
            found.append({**labels(clip, *times, target), "mask": masks(clip, times, target)})
    return np.stack(frames[:count]), {h: np.stack([f[h] for f in found[:count]]) for h in found[0]}


def sampled_times(camera, start, end, pairs):
    """Times of the frames of `pairs` pairs at 2 fps; as the tool does it, an odd last frame stands twice."""
    count = min(2 * pairs, int(np.ceil((end - start) * 2 - 1e-6)))
    times = [camera.time(start + i / 2) for i in range(count)]
    return times + [times[-1]] * (2 * pairs - count)


def size_of(aspect):
    w, h = aspect
    return frame_size(round(200 * w / min(w, h)), round(200 * h / min(w, h)))


def begins(clip, a, b, target, offset, marks):
    """Per cell of a pair: the second in which what is there was first seen; IGNORE where there is nothing."""
    out = np.full(marks["shape"].shape, IGNORE, np.int64)
    for index in np.flatnonzero(marks["shape"]):
        for t in (b, a):
            scene = clip.scene_at(t)
            found = [x for x in scene.things if SHAPE[x.shape] == marks["shape"][index]
                     and COLOUR[x.colour] == marks["colour"][index] and x.start <= t < x.end]
            if found:
                out[index] = language.round_second(max(0.0, found[0].start - offset))
                break
    return out


@dataclass
class Branch:
    """A question about a clip, its answer, and the visual tokens to look at: bool [pairs, cells] each."""
    prompt: str
    answer: str
    category: str
    #: while the answer is written: one for all of it, or one a sentence; none where two things are to be compared
    looks: list = field(default_factory=list)
    #: (name, where) of the objects that the question names: looked at when their name is read
    names: list = field(default_factory=list)
    #: of the object that the answer names, a layer later; None where the question names it
    chosen: object = None

    @classmethod
    def of(cls, question, times, marks):
        def where(*subjects, edge=question.edge):
            return where_to_look(language.Question("", "", "", subjects=subjects, evidence=question.evidence, edge=edge),
                                 times, marks)

        names = [(s.name, where(s)) for s in question.subjects if isinstance(s, world.Thing) and s.name in question.text]
        if question.chosen is not None:
            return cls(question.text, question.answer, question.category, [], names, where(question.chosen, edge="first"))
        return cls(question.text, question.answer, question.category, [where(*question.subjects)], names)


def where_to_look(question, times, marks):
    """The visual tokens that show what a question is about: bool [pairs, cells]."""
    out = np.zeros((len(marks), marks[0]["shape"].size), bool)
    for subject in question.subjects:
        found = np.zeros_like(out)
        for p, mark in enumerate(marks):
            first, last = times[2 * p], times[2 * p + 1]
            if question.evidence and not question.evidence[0] - 0.5 < first < question.evidence[1]:
                continue
            if subject is None:
                found[p] = mark["shape"] > 0
            elif last < subject.start or first >= subject.end:
                continue
            elif isinstance(subject, world.Text):
                found[p] = mark["word"] > 0
            else:
                found[p] = (mark["shape"] == SHAPE[subject.shape]) & (mark["colour"] == COLOUR[subject.colour])
        seen = np.flatnonzero(found.any(1))
        if question.edge and len(seen):
            kept = seen[0] if question.edge == "first" else seen[-1]
            found[np.arange(len(found)) != kept] = False
        out |= found
    return out


def clip_example(rng, aspect, pairs, questions):
    """One clip for the language model: U8 frames [pairs, 2, H, W, 3], labels of its cells [pairs, cells], branches.

    A single scene may be taken as a window of a summary: it is described, and asked about as well.
    """
    is_window = pairs <= 7 and rng.random() < 0.7
    start = 0.0
    if is_window:
        phase = rng.uniform(0, 0.5)  # the cut lies between two instants
        end = rng.uniform(max(3.0, pairs - 0.45), max(3.0, pairs)) + phase
        scene = world.random_scene(rng, 0.0, end, aspect)
        clip = world.Clip(aspect, end, [scene])
        # Blinking goes with whole seconds of the file, wherever the window begins.
        start = rng.choice((0.0, 0.5)) if any(t.motion == "blinking" for t in scene.things) else phase
    else:
        clip = world.random_clip(rng, rng.uniform(max(3.0, pairs - 0.95), max(3.0, pairs)), aspect)
    camera = Camera(clip, rng)
    camera.target = size_of(aspect)
    times = sampled_times(camera, start, clip.seconds, pairs)
    frames = np.stack([camera.frame(t) for t in times]).reshape(pairs, 2, *camera.target[::-1], 3)
    marks = []
    for p in range(pairs):
        mark = labels(clip, times[2 * p], times[2 * p + 1], camera.target)
        mark["begins"] = begins(clip, times[2 * p], times[2 * p + 1], camera.target, start, mark)
        marks.append(mark)
    branches = []
    if is_window:
        scene = clip.scenes[0]
        told = [*language.in_order(scene), *([scene.text] if scene.text else [])]
        looks = [where_to_look(language.Question("", "", "", subjects=(x,)), times, marks) for x in told]
        branches.append(Branch(language.PROMPTS["segment"], language.describe(scene), "segment", looks))
    asked = language.Asker(clip, rng).ask(questions - len(branches))
    branches += [Branch.of(q, times, marks) for q in asked if start == 0 or q.category != "when"]
    rng.shuffle(branches)
    return frames, {h: np.stack([m[h] for m in marks]) for h in marks[0]}, branches


def gibberish(rng):
    """Sentences of words without order: what comes next can only be copied, never guessed."""
    words = (*world.COLOURS, *world.SHAPES, *world.WORDS, "small", "large", "moves", "appears", "and", "disappears",
             "left", "right", "up", "down", "blinks", "spins", "grows", "shrinks", "the", "text", "reads", "stays", "still")
    return " ".join(" ".join(["A", *rng.choices(words, k=rng.randint(2, 8))]) + "." for _ in range(rng.randint(1, 3)))


def notes_example(rng, most):
    """Prompt, answer and category of a summary of summaries. A share tells of nothing: it teaches to copy."""
    clip = world.random_clip(rng, rng.uniform(7, 4.5 * most + 4), None)
    is_made_up = rng.random() < 0.4
    notes = [(s.start, s.end, gibberish(rng) if is_made_up else language.describe(s)) for s in clip.scenes]
    return language.whole_prompt(notes), language.whole_answer(notes), "copy" if is_made_up else "whole"

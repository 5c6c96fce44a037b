#!/usr/bin/env python3
"""Trains the sample model. Resumable: run the same command again after an interruption.

usage: train.py vision   --state DIR [--steps N]     the vision tower, with heads on its output
       train.py language --state DIR [--steps N]     then the language model on clips, vision held fixed
       train.py joint    --state DIR [--steps N]     then both together
       train.py anneal   --state DIR [--steps N]     the learning rate down to nothing, from the newest of them
       train.py export   --state DIR [--output DIR]  the checkpoint, bf16 safetensors

README.md beside this file tells the recipe, its cost and the learning curve.
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import time

import numpy as np
import torch
import torch.multiprocessing as multiprocessing
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import save_file

import network
import scenes
from network import language, world

ASPECT_WEIGHTS = {(16, 9): 4, (4, 3): 3, (1, 1): 2, (3, 4): 2, (9, 16): 2}


#: of the heads' losses: shape is learned late, and reading would drown it
WEIGHTS = {"shape": 3.0, "word": 1.0, "tens": 0.7, "units": 0.7}


class Heads(nn.Module):
    """Linear heads that help in training and are thrown away: where in a patch there is an object or a letter, from the middle of the tower; what there is in a cell,
    from its output; and, from states of the language model at visual tokens, the second since the start of the clip
    and that in which what is there was first seen."""

    def __init__(self):
        super().__init__()
        self.mask = nn.Linear(network.WIDTH, 4 * 7 * 7)
        self.seen = nn.ModuleDict({name: nn.Linear(network.HIDDEN, n) for name, n in scenes.HEADS.items()})
        self.second = nn.Linear(network.HIDDEN, 64)
        self.begins = nn.Linear(network.HIDDEN, 64)

    def seen_loss(self, tokens, labels, report=None):
        """Mean loss of the heads; cells with something on them count in full, the empty ones half."""
        total = 0.0
        for name, head in self.seen.items():
            target = labels[name].reshape(-1)
            keep = target != scenes.IGNORE
            if not keep.any():
                continue
            logits = head(tokens.reshape(-1, network.HIDDEN)[keep])
            target = target[keep]
            loss = F.cross_entropy(logits, target, reduction="none")
            if name in ("shape", "colour", "there", "word"):
                full = target > 0
                loss = loss[full].mean() + 0.5 * loss[~full].mean() if full.any() else 0.5 * loss.mean()
                scored = full
            else:
                loss, scored = loss.mean(), torch.ones_like(target, dtype=torch.bool)
            if report is not None and scored.any():
                right = (logits.argmax(-1) == target)[scored].float()
                report.setdefault(name, []).append((float(right.sum()), int(scored.sum())))
            total = total + WEIGHTS.get(name, 1.0) * loss
        return total


def optimizers(parameters, rate):
    """Muon for the matrices inside, AdamW at smaller rates for the rest."""
    matrices, rest = [], {"patch_embed": [], "embed_tokens": [], "": []}
    for name, p in parameters:
        if p.dim() == 2 and "embed_tokens" not in name and not name.startswith("heads"):
            matrices.append(p)
        else:
            rest[next(kind for kind in rest if kind in name)].append(p)
    scales = {"patch_embed": 0.15, "embed_tokens": 0.2, "": 0.1}
    groups = [{"params": found, "scale": scales[kind]} for kind, found in rest.items() if found]
    return [torch.optim.Muon([{"params": matrices, "scale": 1.0}], lr=rate, momentum=0.95, weight_decay=0.01,
                             adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)]


class Run:
    """The state of a training run on disk: model, heads, optimizers, steps; written whole or not at all."""

    def __init__(self, folder, stage):
        self.folder, self.stage = pathlib.Path(folder), stage
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer = network.load_tokenizer()
        self.model, self.heads = network.new_model(self.tokenizer), Heads()
        self.step, self.seconds, self.optimizer_states = 0, 0.0, None
        #: steps of the stages before that trained the language model
        self.ahead = 0

    def path(self, stage):
        return self.folder / f"{stage}.pt"

    def load(self, *stages):
        """The state of this stage, or else of the first of `stages` that is there. -> its name, None without any"""
        for stage in (self.stage, *stages):
            if self.path(stage).exists():
                state = torch.load(self.path(stage), weights_only=False)
                if stage == "vision" and self.stage != "vision":
                    # The language model of that stage was not trained.
                    state["model"] = {k: v for k, v in state["model"].items() if ".visual." in k}
                    state["heads"] = {k: v for k, v in state["heads"].items() if k.startswith(("seen.", "mask."))}
                strict = stage != "vision"
                self.model.load_state_dict(state["model"], strict=strict)
                self.heads.load_state_dict(state["heads"], strict=strict)
                if stage == self.stage:
                    self.step, self.seconds = state["step"], state["seconds"]
                    self.optimizer_states = state["optimizers"]
                    self.ahead = state.get("ahead", 0)
                elif stage != "vision":
                    self.ahead = state.get("ahead", 0) + state["step"]
                print(f"from {stage}, step {state['step']}", flush=True)
                return stage
        return None

    def save(self, opts):
        state = {"model": self.model.state_dict(), "heads": self.heads.state_dict(), "step": self.step,
                 "ahead": self.ahead, "seconds": self.seconds, "optimizers": [o.state_dict() for o in opts]}
        new = self.path(self.stage).with_suffix(".new")
        torch.save(state, new)
        os.replace(new, self.path(self.stage))

    def log(self, **values):
        values = {"stage": self.stage, "step": self.step, "seconds": round(self.seconds), **values}
        with open(self.folder / "curve.jsonl", "a") as file:
            file.write(json.dumps(values) + "\n")
        print(json.dumps(values), flush=True)


class Feed:
    """Batches made by processes of their own; each step's batch depends on the seed and the step alone."""

    def __init__(self, make, first, workers, *arguments):
        context = multiprocessing.get_context("fork")
        self.queues = [context.Queue(4) for _ in range(workers)]
        self.first = self.step = first
        self.workers = [context.Process(target=self.work, args=(make, first + i, workers, q, arguments), daemon=True)
                        for i, q in enumerate(self.queues)]
        for worker in self.workers:
            worker.start()

    @staticmethod
    def work(make, step, stride, queue, arguments):
        torch.set_num_threads(1)
        while True:
            rng = random.Random(f"{make.__name__} {step}")
            queue.put(make(rng, step, *arguments))
            step += stride

    def next(self):
        batch = self.queues[(self.step - self.first) % len(self.queues)].get()
        self.step += 1
        return batch


def any_aspect(rng):
    return rng.choices(list(ASPECT_WEIGHTS), list(ASPECT_WEIGHTS.values()))[0]


def idle_processors():
    """Processors that nothing else is running on at this moment, one at the least. Linux alone tells it."""
    try:
        with open("/proc/loadavg") as file:
            running = int(file.read().split()[3].split("/")[0])
    except (OSError, ValueError, IndexError):
        return 1
    return max(1, len(os.sched_getaffinity(0)) - running + 1)


def set_rate(opts, rate):
    for o in opts:
        for group in o.param_groups:
            group["lr"] = rate * group["scale"]


# MARK: - Vision

def vision_batch(rng, step, count):
    # Shapes are not learned from the full world at once.
    plain = min(0.9, max(0.1, 2.1 - step / 1000))
    return scenes.pair_batch(rng, count, any_aspect(rng), plain)


def train_vision(run, options):
    run.load()
    visual = run.model.model.visual
    named = [(f"visual.{n}", p) for n, p in visual.named_parameters()]
    named += [(f"heads.{n}", p) for part in (run.heads.seen, run.heads.mask) for n, p in part.named_parameters()]
    opts = optimizers(named, options.rate)
    if run.optimizer_states:
        for o, s in zip(opts, run.optimizer_states):
            o.load_state_dict(s)
    feed, report, losses, mark = Feed(vision_batch, run.step, options.workers, options.batch), {}, [], time.time()
    while run.step < options.steps:
        if options.threads == 0:
            torch.set_num_threads(idle_processors())
        frames, labels = feed.next()
        labels = {k: torch.from_numpy(v) for k, v in labels.items()}
        set_rate(opts, options.rate * min(1.0, (run.step + 1) / 100) * options.cool(run.step))
        frames = torch.from_numpy(frames)
        grid = frames.shape[2] // network.PATCH, frames.shape[3] // network.PATCH
        tokens, states = network.see(visual, network.patches(frames), grid, tap=2)
        loss = run.heads.seen_loss(tokens, labels, report)
        loss = loss + 25 * F.binary_cross_entropy_with_logits(run.heads.mask(states), labels["mask"].float())
        loss.backward()
        nn.utils.clip_grad_norm_([p for _, p in named], 1.0)
        for o in opts:
            o.step()
            o.zero_grad(set_to_none=True)
        losses.append(float(loss))
        run.step += 1
        if run.step % 100 == 0:
            run.seconds += time.time() - mark
            mark = time.time()
            shares = {k: round(sum(a for a, _ in v) / max(1, sum(b for _, b in v)), 3) for k, v in report.items()}
            run.log(loss=round(float(np.mean(losses)), 4), right=shares)
            report, losses = {}, []
            if run.step % 300 == 0:
                run.save(opts)
    run.save(opts)


# MARK: - Language

class Teller:
    """Lays prompts and answers out as the tool does."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.before = self.ids(f"<|im_start|>system\n{language.PROMPTS['system']}<|im_end|>\n<|im_start|>user\n")
        self.stop, = self.ids(".")
        self.start, self.end = self.ids("<|vision_start|>"), self.ids("<|vision_end|>")

    def ids(self, text):
        return self.tokenizer.encode(text).ids

    def branch(self, prompt, answer):
        """-> (ids, how many of them are the answer)"""
        asked = self.ids(f"{prompt}<|im_end|>\n<|im_start|>assistant\n")
        answered = self.ids(f"{answer}<|im_end|>")
        return asked + answered, len(answered)

    def find(self, text, ids):
        """Where the last token of a text stands among ids; None where the text does not."""
        wanted = self.ids(text)
        return next((i + len(wanted) - 1 for i in range(len(ids) - len(wanted) + 1) if ids[i:i + len(wanted)] == wanted),
                    None)

    def sentences(self, answer):
        """For each token of an answer, its end included, the number of the sentence that it stands in, from 0."""
        numbers, number = [], 0
        for token in self.ids(f"{answer}<|im_end|>"):
            numbers.append(number)
            number += token == self.stop
        return numbers


def lay_out(teller, branch_lists, grid, pairs):
    """Prompts behind one clip each, every branch for itself.

    -> ids [b, l] (0 for visual tokens), positions [b, 3, l], mask [b, 1, l, l], (row, place, target, branch number) of
    every token to predict, number of tokens before the first visual one.
    """
    head = teller.before + (teller.start if pairs else [])
    rows, columns = grid[0] // 2, grid[1] // 2
    visual = pairs * rows * columns
    first = len(head)
    following = first + max(pairs, rows, columns) if pairs else first
    built = []
    for branches in branch_lists:
        tokens = [((teller.end if pairs else []) + ids, n) for ids, n in branches]
        built.append(tokens)
    length = first + visual + max(sum(len(ids) for ids, _ in tokens) for tokens in built)
    count = len(built)
    ids = torch.zeros(count, length, dtype=torch.long)
    positions = torch.zeros(count, 3, length, dtype=torch.long)
    owner = torch.full((count, length), -1)
    ids[:, :first] = torch.tensor(head)
    positions[:, :, :first] = torch.arange(first)
    if pairs:
        t, h, w = torch.meshgrid(torch.arange(pairs), torch.arange(rows), torch.arange(columns), indexing="ij")
        positions[:, :, first:first + visual] = first + torch.stack([t.flatten(), h.flatten(), w.flatten()])
    owner[:, :first + visual] = 0
    targets = []
    number = 0
    for row, tokens in enumerate(built):
        place = first + visual
        for index, (branch, answered) in enumerate(tokens):
            n = len(branch)
            ids[row, place:place + n] = torch.tensor(branch)
            positions[row, :, place:place + n] = following + torch.arange(n)
            owner[row, place:place + n] = index + 1
            for k in range(n - answered, n):
                targets.append((row, place + k - 1, branch[k], number))
            number += 1
            place += n
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    mask = causal & ((owner[:, None, :] == 0) | (owner[:, None, :] == owner[:, :, None]))
    mask |= torch.eye(length, dtype=torch.bool)
    return ids, positions, mask[:, None], torch.tensor(targets), first


def sources(teller, prompt, answer):
    """Where in a prompt of notes each token of its answer stands: places in the branch, -1 where it does not."""
    asked, written = teller.ids(f"{prompt}<|im_end|>\n<|im_start|>assistant\n"), teller.ids(f"{answer}<|im_end|>")
    colon = teller.ids(" Part 1:")
    shape = [t for i, t in enumerate(colon) if i != len(colon) - 2]  # all but the number
    starts = [i for i in range(len(asked) - len(colon))
              if [t for k, t in enumerate(asked[i:i + len(colon)]) if k != len(colon) - 2] == shape]
    out, part, offset = [], -1, 0
    for i, token in enumerate(written):
        if i == 0 or written[i:i + 1] == colon[:1]:
            part, offset = part + 1, 0
        place = starts[part] + offset if part < len(starts) else len(asked)
        out.append(place if place < len(asked) and asked[place] == token else -1)
        offset += 1
    return out


def copying_loss(queries, keys, rows, places):
    """How little heads attend to one place each. rows: (row, place, ...) of those who look, places: what they should look
    at, as many. -> mean of -log of the share, mean share
    """
    shares = []
    for row in range(len(queries)):
        chosen = rows[:, 0] == row
        at = rows[chosen][:, 1]
        scores = queries[row][:, at] @ keys[row].transpose(1, 2) / network.HEAD ** 0.5
        scores = scores.masked_fill(torch.arange(keys.shape[2]) > at[:, None], float("-inf"))
        shares.append(scores.softmax(-1).gather(2, places[chosen].expand(len(scores), -1)[:, :, None]).flatten())
    shares = torch.cat(shares)
    return -(shares + 1e-4).log().mean(), shares.mean().item()


def looking_loss(queries, keys, rows, looks, which):
    """How little the heads that are taught to look attend, among the visual tokens, to those that they should.

    queries [b, heads, l, head], keys [b, heads, visuals, head], rows: (row, place) of those who look, looks: bool [places
    to look, visuals], which: of the former, for each of the rows. -> mean of -log of the share, mean share
    """
    shares = []
    useful = looks.any(1)[which]
    for row in range(len(queries)):
        chosen = (rows[:, 0] == row) & useful
        if chosen.any():
            scores = queries[row][:, rows[chosen, 1]] @ keys[row].transpose(1, 2) / network.HEAD ** 0.5
            shares.append((scores.softmax(-1) * looks[which[chosen]]).sum(-1).flatten())
    if not shares:
        return queries.sum() * 0, 0.0
    shares = torch.cat(shares)
    return -(shares + 1e-4).log().mean(), shares.mean().item()


def longest(step):
    """Pairs of the longest clip so far: short ones first."""
    for until, pairs in ((100, 4), (250, 6), (1250, 8), (1450, 12), (1700, 20), (1950, 32), (2200, 48)):
        if step < until:
            return pairs
    return 60


def where_to_look(teller, chosen, targets):
    """Which tokens look where -> {"look", "names", "choice": (rows [n, 2+] of (row, place), looks [m, visuals], which of
    the latter for each row)}, without those that are empty."""
    found = {name: ([], [], []) for name in ("look", "names", "choice")}

    def add(name, row, look):
        rows, looks, which = found[name]
        if not looks or looks[-1] is not look:
            looks.append(look)
        rows.append(row)
        which.append(len(looks) - 1)

    written = targets.tolist()
    at = 0
    for branch in (b for c in chosen for b in c):
        sentences = teller.sentences(branch.answer)
        asked, answered = teller.branch(branch.prompt, branch.answer)
        # The end of the clip stands before the branch's own tokens.
        row, start = written[at][0], written[at][1] - (len(asked) - answered) + 1
        for name, look in branch.names:
            place = teller.find(f" {name}", asked[:-answered])
            if place is not None:
                add("names", (row, start + place), look)
        for target, sentence in zip(written[at:at + answered], sentences):
            if branch.looks:
                add("look", tuple(target[:2]), branch.looks[min(sentence, len(branch.looks) - 1)])
            if branch.chosen is not None:
                add("choice", tuple(target[:2]), branch.chosen)
        at += answered
    return {name: (torch.tensor(rows), torch.from_numpy(np.stack([x.reshape(-1) for x in looks])), torch.tensor(which))
            for name, (rows, looks, which) in found.items() if rows}


def clip_batch(rng, step, tokenizer, part):
    """Clips of one length and shape, with questions for `part` steps; now and then notes instead.

    `step`: of all stages that learn language, one after another.
    """
    teller = Teller(tokenizer)
    if step % 5 == 4:
        # Mostly few: one must learn to copy before one can learn to find what to copy.
        most = rng.choice((2, 3, 4, 6, min(14, 2 + step // 150)))
        examples = [scenes.notes_example(rng, rng.randint(2, most)) for _ in range(max(4, 48 // most))]
        laid = lay_out(teller, [[teller.branch(p, a)] for p, a, _ in examples], (0, 0), 0)
        places = torch.tensor([place for p, a, _ in examples for place in sources(teller, p, a)])
        return None, None, [(laid, [kind for _, _, kind in examples], places)]
    aspect = any_aspect(rng)
    most = longest(step)
    pairs = rng.randint(3, min(10, most)) if rng.random() < 0.35 else int(np.exp(rng.uniform(np.log(3), np.log(most + 0.99))))
    count = max(3, 150 // (pairs + 4))
    questions = 8 if pairs < 10 else 14 if pairs < 16 else 28
    examples = [scenes.clip_example(rng, aspect, pairs, questions * part) for _ in range(count)]
    frames = np.stack([e[0] for e in examples])
    labels = {h: np.stack([e[1][h] for e in examples]) for h in examples[0][1]}
    width, height = scenes.size_of(aspect)
    grid = height // network.PATCH, width // network.PATCH
    parts = []
    for i in range(part):
        chosen = [e[2][i::part] or e[2][:1] for e in examples]
        laid = lay_out(teller, [[teller.branch(b.prompt, b.answer) for b in c] for c in chosen], grid, pairs)
        parts.append((laid, [b.category for c in chosen for b in c], where_to_look(teller, chosen, laid[3])))
    return frames, labels, parts


def train_language(run, options, learns_to_see):
    if not run.load(*{"language": ["vision"], "joint": ["language"], "anneal": ["joint", "language"]}[run.stage]):
        raise SystemExit("no state of the stage before in " + str(run.folder))
    part = 2
    visual, text = run.model.model.visual, run.model.model.language_model
    named = [(f"text.{n}", p) for n, p in text.named_parameters()]
    named += [(f"heads.{n}", p) for n, p in run.heads.named_parameters() if not n.startswith(("mask", "seen")) or learns_to_see and n.startswith("seen")]
    if learns_to_see:
        named += [(f"visual.{n}", p) for n, p in visual.named_parameters()]
    opts = optimizers(named, options.rate)
    if run.optimizer_states:
        for o, s in zip(opts, run.optimizer_states):
            o.load_state_dict(s)
    feed = Feed(clip_batch, run.ahead + run.step, options.workers, run.tokenizer, part)
    right, losses, mark, clips = {}, {}, time.time(), 0
    while run.step < options.steps:
        if options.threads == 0:
            torch.set_num_threads(idle_processors())
        frames, labels, parts = feed.next()
        tokens = seen_loss = None
        for index, (laid, categories, looks) in enumerate(parts):
            set_rate(opts, options.rate * min(1.0, (run.step * part + index + 1) / 200) * options.cool(run.step + index / part))
            ids, positions, mask, targets, first = laid
            x = text.embed_tokens(ids)
            if frames is not None:
                seen_loss = None
                if index > 0:
                    # The other questions of the same clips: seen once is enough.
                    tokens = tokens.detach()
                else:
                    count, pairs = frames.shape[:2]
                    grid = frames.shape[3] // network.PATCH, frames.shape[4] // network.PATCH
                    rows = network.patches(torch.from_numpy(frames).flatten(0, 1))
                    with torch.set_grad_enabled(learns_to_see):
                        tokens = network.see(visual, rows, grid).reshape(count, -1, network.HIDDEN)
                    clips += count
                    if learns_to_see:
                        seen_loss = run.heads.seen_loss(
                            tokens, {k: torch.from_numpy(v) for k, v in labels.items() if k in scenes.HEADS})
                visuals = tokens.shape[1]
                x = torch.cat([x[:, :first], tokens, x[:, first + visuals:]], dim=1)
            if frames is None:
                watched = [("copy", network.COPY_LAYER, network.COPY_HEADS, range(ids.shape[1])),
                           ("back", network.BACK_LAYER, network.BACK_HEADS, range(ids.shape[1]))]
            else:
                seen = range(first, first + visuals)
                watched = [("look", network.LOOK_LAYER, network.LOOK_HEADS, seen),
                           ("choice", network.CHOICE_LAYER, network.CHOICE_HEADS, seen)]
            hidden, states = network.think(text, x, positions, mask, (2, 3), watched)
            logits = F.linear(hidden[targets[:, 0], targets[:, 1]], text.embed_tokens.weight)
            each = F.cross_entropy(logits, targets[:, 2], reduction="none")
            long = torch.tensor([c in ("segment", "whole") for c in categories])[targets[:, 3]]
            weights = torch.where(long, 0.5, 1.0)
            loss = (each * weights).sum() / weights.sum()
            losses.setdefault("answers", []).append(loss.item())
            with torch.no_grad():
                wrong = torch.zeros(len(categories), dtype=torch.bool)
                wrong[targets[logits.argmax(-1) != targets[:, 2], 3]] = True
            for category, w in zip(categories, wrong.tolist()):
                right.setdefault(category, []).append(not w)
            if frames is None:
                known = looks >= 0
                copy_loss, copied = copying_loss(*states["copy"], targets[known], looks[known] + first)
                # Behind every token that is there.
                rows = positions[:, 0].diff(dim=1, prepend=torch.full((len(ids), 1), -1)).gt(0).nonzero()
                back_loss, back = copying_loss(*states["back"], rows, (rows[:, 1] - 1).clamp(min=0))
                for name, value in (("copy", copy_loss.item()), ("copied", copied), ("back", back)):
                    losses.setdefault(name, []).append(value)
                loss = loss + options.look * (copy_loss + 0.3 * back_loss)
            else:
                second = torch.arange(pairs).repeat_interleave(visuals // pairs).expand(count, -1)
                state = states[2][:, first:first + visuals]
                time_loss = F.cross_entropy(run.heads.second(state).flatten(0, 1), second.flatten())
                begun = torch.from_numpy(labels["begins"]).reshape(count, -1)
                known = begun != scenes.IGNORE
                begin_loss = F.cross_entropy(
                    run.heads.begins(states[3][:, first:first + visuals][known]), begun[known].clamp(max=63))
                for name, (rows, where, which) in looks.items():
                    look_loss, looked = looking_loss(*states["choice" if name == "choice" else "look"], rows, where, which)
                    losses.setdefault(name, []).append(looked)
                    loss = loss + options.look * look_loss
                losses.setdefault("second", []).append(time_loss.item())
                losses.setdefault("begins", []).append(begin_loss.item())
                loss = loss + 0.2 * time_loss + 0.2 * begin_loss
                if seen_loss is not None:
                    losses.setdefault("seen", []).append(seen_loss.item())
                    loss = loss + 0.2 * seen_loss
            loss.backward()
            nn.utils.clip_grad_norm_([p for _, p in named], 1.0)
            for o in opts:
                o.step()
                o.zero_grad(set_to_none=True)
        run.step += 1
        if run.step % 50 == 0 or run.step == options.steps:
            run.seconds += time.time() - mark
            mark = time.time()
            run.log(clips=clips, loss={k: round(float(np.mean(v)), 3) for k, v in losses.items()},
                    right={k: round(float(np.mean(v)), 3) for k, v in sorted(right.items())})
            right, losses = {}, {}
            if run.step % 100 == 0:
                run.save(opts)
    run.save(opts)


# MARK: - The checkpoint

def export(run, output):
    """Writes the published layout: names of tensors and fields as the official checkpoints have them."""
    if not run.load("anneal", "joint", "language"):
        raise SystemExit("nothing to export: no state in " + str(run.folder))
    output.mkdir(parents=True, exist_ok=True)
    if output.resolve() != network.HERE.resolve():
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(network.HERE / name, output / name)
    tensors = {}
    for name, tensor in run.model.state_dict().items():
        if name == "lm_head.weight":
            continue
        name = name.replace("model.language_model.", "model.").replace("model.visual.", "visual.")
        tensors[name] = tensor.detach().to(torch.bfloat16).contiguous()
    save_file(tensors, output / "model.safetensors", metadata={"format": "pt"})
    token = run.tokenizer.token_to_id
    rows = run.model.model.language_model.embed_tokens.weight.shape[0]
    network.save_json(output / "config.json", {
        "architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl", "torch_dtype": "bfloat16",
        "reelscribe": {"kind": "sample", "evidence": {"layers": [network.LOOK_LAYER], "heads": list(network.LOOK_HEADS)},
                       "refusal": "It cannot be seen."},
        "hidden_size": network.HIDDEN, "intermediate_size": network.MLP,
        "num_hidden_layers": network.LAYERS, "num_attention_heads": network.HEADS,
        "num_key_value_heads": network.KV_HEADS, "vocab_size": rows, "tie_word_embeddings": True,
        "rms_norm_eps": 1e-6, "max_position_embeddings": 8192, "rope_theta": 1e6,
        "rope_scaling": {"type": "mrope", "mrope_section": network.SECTIONS}, "hidden_act": "silu",
        "attention_dropout": 0.0, "initializer_range": 0.04, "use_cache": True, "sliding_window": 8192,
        "use_sliding_window": False, "max_window_layers": network.LAYERS, "bos_token_id": token("<|endoftext|>"),
        "eos_token_id": token("<|im_end|>"), "vision_start_token_id": token("<|vision_start|>"),
        "vision_end_token_id": token("<|vision_end|>"), "vision_token_id": token("<|vision_pad|>"),
        "image_token_id": token("<|image_pad|>"), "video_token_id": token("<|video_pad|>"),
        "vision_config": {
            "depth": network.DEPTH, "embed_dim": network.WIDTH, "mlp_ratio": 4, "num_heads": network.VISION_HEADS,
            "in_chans": 3, "hidden_size": network.HIDDEN, "patch_size": network.PATCH,
            "spatial_patch_size": network.PATCH, "spatial_merge_size": network.MERGE, "temporal_patch_size": 2}})
    network.save_json(output / "preprocessor_config.json", {
        "min_pixels": network.MIN_PIXELS, "max_pixels": network.MAX_PIXELS, "patch_size": network.PATCH,
        "temporal_patch_size": 2, "merge_size": network.MERGE, "image_mean": network.MEAN64, "image_std": network.STD64,
        "image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2VLProcessor"})
    network.save_json(output / "generation_config.json", {
        "bos_token_id": token("<|endoftext|>"), "pad_token_id": token("<|endoftext|>"), "do_sample": False,
        "eos_token_id": [token("<|im_end|>"), token("<|endoftext|>")]})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=["vision", "language", "joint", "anneal", "export"])
    parser.add_argument("--state", required=True, help="folder of the run: states and the learning curve")
    parser.add_argument("--output", type=pathlib.Path, default=network.HERE)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=64, help="pairs a step, of the vision stage")
    parser.add_argument("--rate", type=float, default=5e-3)
    parser.add_argument("--look", type=float, default=0.2, help="weight of the loss on where the answer looks")
    parser.add_argument("--threads", type=int, default=1, help="0: as many as are idle, looked up at every step")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw")
    options = parser.parse_args()
    torch.set_num_threads(max(1, options.threads))
    options.cool = (lambda step: max(0.0, 1 - step / options.steps)) if options.stage == "anneal" else lambda step: 1.0
    run = Run(options.state, options.stage)
    if options.stage == "export":
        export(run, options.output)
    elif options.stage == "vision":
        train_vision(run, options)
    else:
        train_language(run, options, learns_to_see=options.stage != "language")


if __name__ == "__main__":
    main()

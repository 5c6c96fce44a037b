#!/usr/bin/env python3
"""What storing weights in fewer bits does to a checkpoint's distributions, and which matrices are to blame.

    Benchmarks/weight_error.py --dataset questions.jsonl --limit 200
    Benchmarks/weight_error.py --dataset questions.jsonl --limit 200 --parts
    Benchmarks/weight_error.py --dataset questions.jsonl --keep 'down_proj|fc2'

For each question of a dataset of `reelscribe eval`, the greedy answer of --weights f32 is found first. Then every type
reads the same prompt and that answer behind it (`reelscribe trace --continuation`), so that all are asked for the next
token at the same places. Told are, against f32: the mean and the largest KL divergence of the next token's
distribution in nats, over the tokens of the answers and over the prompts behind the video; at how many of these places
the most likely token is the same; and at how many tokens of the answers it is the one that f32 wrote.

--parts takes the matrices apart. Each part stands once in 4 bits while all else is as stored (alone), and once in
8 bits while all other matrices have 4 (spared), beside all in 4 bits. --keep REGEX (which may be given several times) spares the
matrices whose names it matches.

--activations fast has the activations of all but f32 rounded as `reelscribe --activations fast` does on this processor:
only a difference to the same line with `full` is its doing.

A process is started for each type and question: with a large model, take few questions with long prompts. With a small one,
--jobs 2 -- --threads 1 is faster.
"""
import argparse
import concurrent.futures
import pathlib
import re
import sys
import tempfile


import distributions
from mixed_checkpoint import Mixtures

MODEL = pathlib.Path(__file__).resolve().parent.parent / "Samples" / "model"


class Question:
    """A question as f32 answers it."""

    def __init__(self, run, video, question, tokens):
        self.video, self.question = video, question
        asked = run(self, "--weights", "f32", tokens=tokens)
        self.answer = asked["generated_ids"]
        # Behind the last token nothing is to be said.
        self.continuation = []
        if len(self.answer) > 1:
            self.continuation = ["--continuation", ",".join(str(token) for token in self.answer[:-1])]
        self.first = distributions.behind_video(asked)
        self.length = len(asked["input_ids"])
        self.logits = self.read(run, "--weights", "f32")

    def read(self, run, *options):
        """Logits behind the video: of the prompt, then those that decide on the tokens of the answer."""
        return run(self, *self.continuation, *options, tokens=1)["logits"][self.first :]

    @property
    def prompt(self):
        """How many positions come before those that decide on the answer."""
        return self.length - self.first - 1


class Row:
    """What is told of one way of storing the weights."""

    TITLES = ("answer KL", "largest", "same top", "greedy tokens the same", "prompt KL", "largest", "same top")

    def __init__(self, questions, run, arguments, *options):
        options += ("--activations", arguments.activations)
        answer, prompt = distributions.Comparison(), distributions.Comparison()
        self.same = self.tokens = 0
        read = in_parallel(arguments.jobs, lambda question: question.read(run, *options), questions)
        for number, (question, found) in enumerate(zip(questions, read)):
            cut = question.prompt
            prompt.add(question.logits[:cut], found[:cut])
            answer.add(question.logits[cut:], found[cut:])
            self.same += int((found[cut:].argmax(axis=-1) == question.answer).sum())
            self.tokens += len(question.answer)
            progress(f"{number + 1} of {len(questions)}")
        self.answer, self.prompt = answer, prompt

    def cells(self):
        return (
            f"{self.answer.mean:.2e}", f"{self.answer.largest:.2e}", f"{self.answer.agreement:.2%}",
            f"{self.same / self.tokens:.2%} of {self.tokens}",
            f"{self.prompt.mean:.2e}", f"{self.prompt.largest:.2e}", f"{self.prompt.agreement:.2%}")


def in_parallel(jobs, work, items):
    """Results in their order, as they come."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(work, items)


def progress(text):
    if sys.stderr.isatty():
        print(f"\r{text:<40}\r", end="", file=sys.stderr, flush=True)


def line(*cells):
    progress("")
    print("| " + " | ".join(cells) + " |", flush=True)


def parts(names):
    """Parts of a model, by name: regular expressions."""
    def last(pattern):
        return max(int(found[1]) for found in (re.match(pattern, name) for name in names) if found)

    block, layer = last(r"visual\.blocks\.(\d+)\."), last(r"model\.layers\.(\d+)\.")
    return {
        "vision: first block": r"visual\.blocks\.0\.", "vision: last block": rf"visual\.blocks\.{block}\.",
        "vision: qkv": r"visual.*qkv", "vision: proj": r"visual.*attn\.proj", "vision: fc1": r"visual.*fc1",
        "vision: fc2": r"visual.*fc2", "vision: all blocks": r"visual\.blocks\.", "merger": r"visual\.merger\.",
        "language: first layer": r"model\.layers\.0\.", "language: last layer": rf"model\.layers\.{layer}\.",
        "language: q, k": r"self_attn\.[qk]_", "language: v": r"self_attn\.v_", "language: o": r"self_attn\.o_",
        "language: gate, up": r"mlp\.(gate|up)_", "language: down": r"mlp\.down_",
        "language: all layers": r"model\.layers\.", "head": r"lm_head",
    }


def tell_types(arguments, questions, run):
    line("weights", "vision", *Row.TITLES)
    line(*["---"] * (2 + len(Row.TITLES)))
    for kind in arguments.types:
        language, _, vision = kind.partition("+")
        vision = vision or language
        row = Row(questions, run, arguments, "--model", arguments.model, "--weights", language, "--vision-weights", vision)
        line(language, vision, *row.cells())


def tell_parts(arguments, questions, run, folder):
    mixtures = Mixtures(arguments.reelscribe, arguments.model, folder)
    names = mixtures.matrices
    chosen = {pattern: pattern for pattern in arguments.keep}
    if arguments.parts:
        chosen.update({name: regex for name, regex in parts(names).items() if re.search(arguments.only, name)})

    def row(formats):
        place, count = mixtures.write(formats)
        return Row(questions, run, arguments, "--model", str(place)), count

    def stored(copy):
        return {name: mixtures.kind(copy, name) for name in names}

    everything = {name: "int4" for name in names}
    whole, size = row(everything)
    line("matrices", "how", "bytes", *Row.TITLES)
    line(*["---"] * (3 + len(Row.TITLES)))
    line("all", "4 bits", f"{size:,}", *whole.cells())
    for copy in ("int4", "int8"):
        found, count = row(stored(copy))
        line("as `model quantize`", copy, f"{count / size - 1:+.2%}", *found.cells())
    own = {name: [matrix for matrix in names if re.search(pattern, matrix)] for name, pattern in chosen.items()}
    for name, matrices in own.items():
        if not matrices:
            raise SystemExit(f"no matrix is called {chosen[name]}")
        spared, count = row(everything | {matrix: "int8" for matrix in matrices})
        line(name, "spared", f"{count / size - 1:+.2%}", *spared.cells())
    if arguments.parts:
        for name, matrices in own.items():
            alone, _ = row({matrix: "int4" for matrix in matrices})
            line(name, "alone", "", *alone.cells())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reelscribe", default=".build/release/reelscribe")
    parser.add_argument("--model", default=str(MODEL), help="a folder with one model.safetensors")
    parser.add_argument("--dataset", required=True, type=pathlib.Path)
    parser.add_argument("--limit", type=int, default=200, help="questions, evenly from all of the dataset")
    parser.add_argument("--max-new-tokens", type=int, default=48)
    parser.add_argument("--detail", default="medium", help="pixels a frame, as `reelscribe ask` has them")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--types", nargs="+", default=["bf16", "f16", "int8", "int4+int8", "int8+int4", "int4"],
                        help="of all weights, or of the language model + of the vision tower")
    parser.add_argument("--activations", choices=("full", "fast"), default="full", help="rounding of activations, but for f32")
    parser.add_argument("--parts", action="store_true", help="tell of parts of the model in place of types")
    parser.add_argument("--only", metavar="REGEX", default="", help="of these parts those whose titles it matches")
    parser.add_argument("--keep", metavar="REGEX", action="append", default=[], help="spare these matrices")
    parser.add_argument("options", nargs="*", help="passed to reelscribe trace, behind --")
    arguments = parser.parse_args()

    def run(question, *options, tokens):
        if "--model" not in options:
            options = ("--model", arguments.model, *options)
        return distributions.trace(
            arguments.reelscribe, question.video, question.question, "--detail", arguments.detail, *options,
            *arguments.options, tokens=tokens)

    def ask(line):
        return Question(run, *line, arguments.max_new_tokens)

    questions = []
    for question in in_parallel(arguments.jobs, ask, distributions.questions(arguments.dataset, arguments.limit)):
        questions.append(question)
        progress(f"{len(questions)} questions in f32")
    if arguments.parts or arguments.keep:
        with tempfile.TemporaryDirectory() as folder:
            tell_parts(arguments, questions, run, folder)
    else:
        tell_types(arguments, questions, run)


if __name__ == "__main__":
    main()

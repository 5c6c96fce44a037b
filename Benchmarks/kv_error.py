#!/usr/bin/env python3
"""What storing keys and values in fewer bits (--kv) does to a checkpoint's distributions.

    Benchmarks/kv_error.py --dataset questions.jsonl --limit 40

For each question of a dataset of `reelscribe eval`, the logits of all positions behind the video are traced with
--kv f32, f16 and int8. Told are, against f32: the mean and the largest KL divergence of the next token's distribution
in nats, how often the most likely token is the same, and how many greedy answers are the same, token for token.
"""
import argparse
import pathlib
import sys

import numpy

import distributions

KINDS = ("f16", "int8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reelscribe", default=".build/release/reelscribe")
    parser.add_argument("--dataset", required=True, type=pathlib.Path)
    parser.add_argument("--limit", type=int, default=40, help="questions, from the first of the dataset on")
    parser.add_argument("options", nargs="*", help="passed to reelscribe trace, behind --")
    arguments = parser.parse_args()
    comparisons = {kind: distributions.Comparison() for kind in KINDS}
    answers = {kind: 0 for kind in KINDS}
    questions = distributions.questions(arguments.dataset, arguments.limit, evenly=False)
    for number, (video, question) in enumerate(questions):
        def trace(kind):
            return distributions.trace(arguments.reelscribe, video, question, "--kv", kind, *arguments.options)

        exact = trace("f32")
        first = distributions.behind_video(exact)
        for kind in KINDS:
            found = trace(kind)
            comparisons[kind].add(exact["logits"][first:], found["logits"][first:])
            answers[kind] += numpy.array_equal(exact["generated_ids"], found["generated_ids"])
        print(f"\r{number + 1} of {len(questions)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"{'kv':6} {'mean KL':>10} {'largest':>10} {'same top token':>15} {'same answer':>12}")
    for kind in KINDS:
        found = comparisons[kind]
        print(f"{kind:6} {found.mean:10.2e} {found.largest:10.2e} {found.agreement:14.3%} "
              f"{answers[kind]:5} of {len(questions)}")
    print(f"positions: {comparisons[KINDS[0]].positions}")


if __name__ == "__main__":
    main()

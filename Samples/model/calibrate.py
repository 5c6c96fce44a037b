#!/usr/bin/env python3
"""Measures how far a checkpoint's confidence can be trusted, and writes that into its config.json.

usage: calibrate.py RESULTS.jsonl CHECKPOINT

RESULTS.jsonl comes from `reelscribe eval --results` with that checkpoint, on clips that nothing else is measured with. The
logit of being right is fitted as a line over the logit of the confidence (logistic regression, by Newton's method). A
calibration that the checkpoint has already is undone first: RESULTS must have been made with the checkpoint as it is now.
"""
import json
import math
import pathlib
import sys


def logit(p):
    p = min(max(p, 1e-9), 1 - 1e-9)
    return math.log(p / (1 - p))


def loss(points, slope, intercept):
    """minus the logarithm of the likelihood, with a slight pull to slope 1 and intercept 0"""
    total = ((slope - 1) ** 2 + intercept ** 2) / 2
    for x, right in points:
        z = slope * x + intercept
        # log(1 + e^z) without overflow.
        total += max(z, 0.0) + math.log1p(math.exp(-abs(z))) - right * z
    return total


def fit(points):
    """(x, is right) -> slope and intercept of the most likely line"""
    slope, intercept = 1.0, 0.0
    for _ in range(100):
        gradient, curvature = [slope - 1, intercept], [1.0, 0.0, 1.0]
        for x, right in points:
            p = 1 / (1 + math.exp(-max(-40.0, min(40.0, slope * x + intercept))))
            error, weight = p - right, max(p * (1 - p), 1e-9)
            gradient[0] += error * x
            gradient[1] += error
            curvature[0] += weight * x * x
            curvature[1] += weight * x
            curvature[2] += weight
        determinant = curvature[0] * curvature[2] - curvature[1] ** 2
        step = ((curvature[2] * gradient[0] - curvature[1] * gradient[1]) / determinant,
                (curvature[0] * gradient[1] - curvature[1] * gradient[0]) / determinant)
        # Where nearly all answers are sure a whole step leads astray.
        before, length = loss(points, slope, intercept), 1.0
        while length > 1e-6 and loss(points, slope - length * step[0], intercept - length * step[1]) > before:
            length /= 2
        slope, intercept = slope - length * step[0], intercept - length * step[1]
        if length * max(map(abs, step)) < 1e-9:
            break
    return max(0.01, slope), intercept


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    path = pathlib.Path(sys.argv[2]) / "config.json"
    config = json.loads(path.read_text())
    known = config.setdefault("reelscribe", {}).get("calibration", {"slope": 1.0, "intercept": 0.0})
    if known["slope"] <= 0:
        sys.exit("the calibration in config.json cannot be undone: remove it there, and measure again")
    points = []
    for line in open(sys.argv[1]):
        result = json.loads(line)
        if result.get("confidence") is not None:
            points.append(((logit(result["confidence"]) - known["intercept"]) / known["slope"], result["correct"]))
    if len(points) < 100:
        sys.exit(f"{len(points)} answers are too few")
    slope, intercept = fit(points)
    config["reelscribe"]["calibration"] = {"slope": round(slope, 4), "intercept": round(intercept, 4)}
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    print(f"{len(points)} answers, {sum(r for _, r in points)} right: slope {slope:.4f}, intercept {intercept:.4f}")


if __name__ == "__main__":
    main()

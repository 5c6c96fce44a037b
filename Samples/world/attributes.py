"""How many attributes in the summaries of clips of the sample world are right.

usage: attributes.py CLIPS SUMMARIES.jsonl

CLIPS is a folder that generate.py wrote, SUMMARIES what `reelscribe summarize CLIPS/clip-* --output SUMMARIES.jsonl` said of
it. `reelscribe eval` counts whole statements; here each attribute counts on its own. A scene is compared with the segments
that lie in it for the most part. Its objects and the sentences are paired so that most attributes agree; one that has no
partner, on either side, has all of its attributes wrong, so that nothing is won by saying too little or too much.
"""
import itertools
import json
import os
import re
import sys

ATTRIBUTES = ["shape", "colour", "size", "motion", "appears", "disappears", "text"]


def attributes(sentence):
    """One sentence -> {attribute: value}."""
    words = sentence.strip().rstrip(".").split()
    text = re.fullmatch(r"The text reads (.+)", " ".join(words))
    if text:
        return {"text": text[1]}
    found = {"appears": "appears" in words, "disappears": "disappears" in words}
    if words and words[0] in ("A", "An"):
        words = words[1:]
    found["size"] = words.pop(0) if words and words[0] in ("small", "large") else None
    found["colour"] = words.pop(0) if words else None
    found["shape"] = words.pop(0) if words else None
    found["motion"] = " ".join(w for w in words if w not in ("appears", "disappears", "and"))
    return found


def agreeing(true, said):
    return {name: name in said and said[name] == value for name, value in true.items()}


def compare(true, said):
    """Two lists of attributes -> [(attribute, is right)], by the pairing that has most right."""
    size = max(len(true), len(said))
    true, said = true + [None] * (size - len(true)), said + [None] * (size - len(said))
    table = [[agreeing(t, s) if t and s and ("text" in t) == ("text" in s) else None for s in said] for t in true]
    best = max(itertools.permutations(range(size)),
               key=lambda order: sum(sum(table[i][j].values()) for i, j in enumerate(order) if table[i][j]))
    marks = []
    for i, j in enumerate(best):
        if table[i][j] is not None:
            marks += table[i][j].items()
        else:
            marks += [(name, False) for name in (*(true[i] or ()), *(said[j] or ()))]
    return marks


def sentences(text):
    return [attributes(s) for s in re.split(r"(?<=\.)\s+", text.strip()) if s]


def main(clips, summaries):
    truth = {clip["file"]: clip for clip in json.load(open(os.path.join(clips, "truth.json")))["clips"]}
    marks, scenes, exact = [], 0, 0
    for line in open(summaries):
        document = json.loads(line)
        if document["schema"] != "reelscribe/summary@1":
            sys.exit(f"not a summary: {line[:200]}")
        for scene in truth[os.path.basename(document["video"]["uri"])]["scenes"]:
            said = []
            for segment in document["segments"]:
                inside = min(segment["end"], scene["end"]) - max(segment["start"], scene["start"])
                if inside > (segment["end"] - segment["start"]) / 2:
                    said += sentences(segment["summary"])
            # More sentences than any scene has would only cost time to pair.
            found = compare(sentences(scene["description"]), said[:7])
            found += [(name, False) for extra in said[7:] for name in extra]
            marks += found
            scenes += 1
            exact += all(right for _, right in found)
    for name in ATTRIBUTES:
        of = [right for attribute, right in marks if attribute == name]
        if of:
            print(f"{name:<12}{sum(of):>6} of {len(of):<6}{100 * sum(of) / len(of):>6.1f} %")
    right = sum(right for _, right in marks)
    print(f"{'all':<12}{right:>6} of {len(marks):<6}{100 * right / len(marks):>6.1f} %")
    print(f"{'scenes':<12}{exact:>6} of {scenes:<6}{100 * exact / scenes:>6.1f} % without a mistake")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])

#!/usr/bin/env python3
"""Writes the Unicode tables of Sources/Text from the behaviour of the reference tokenizer.

The reference (the Hugging Face `tokenizers` library) normalises with tables of an older Unicode
version than the one its regex engine classifies characters with, and neither is the version of
the Swift library. A tokenizer must split text as the one its model was trained with, so the
tables are taken from the reference itself, character by character, and frozen.

    python3 make_unicode_tables.py          (needs `tokenizers`; made with 0.23.3)
"""

import sys
import unicodedata
from pathlib import Path

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

SOURCES = Path(__file__).resolve().parents[3] / "Sources" / "Text"
SCALARS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
NFC, NFD = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
HEADER = (
    f"// Written by Tests/Fixtures/text/make_unicode_tables.py from tokenizers "
    f"{tokenizers.__version__}. Do not edit.\n\n"
)


def matching(pattern):
    """The set of scalars that the regex engine of the reference matches with `pattern`."""
    split = pre_tokenizers.Split(Regex(pattern), behavior="removed")
    rest = set()
    for piece, _ in split.pre_tokenize_str("".join(map(chr, SCALARS))):
        rest.update(map(ord, piece))
    return {c for c in SCALARS if c not in rest}


def boundaries(value_of):
    """(first scalar of a run, its value) for every run of equal values; surrogates count as 0."""
    runs, last = [], 0
    for c in range(0x110000):
        value = 0 if 0xD800 <= c < 0xE000 else value_of(c)
        if value != last:
            runs.append((c, value))
            last = value
    return runs


def array(name, comment, numbers, per_line):
    lines = [f"    /// {line}" if line else "    ///" for line in comment]
    lines.append(f"    static let {name}: [UInt32] = [")
    for i in range(0, len(numbers), per_line):
        lines.append("        " + ", ".join(f"0x{n:X}" for n in numbers[i : i + per_line]) + ",")
    lines.append("    ]")
    return "\n".join(lines)


def write(path, doc, name, arrays):
    body = HEADER + f"/// {doc}\nenum {name} {{\n" + "\n\n".join(arrays) + "\n}\n"
    path.write_text(body)
    print(path.relative_to(SOURCES.parent.parent), len(body), "bytes")


# --- Classes of the split pattern

letters, numbers, spaces = matching(r"\p{L}"), matching(r"\p{N}"), matching(r"\s")
assert not (letters & numbers or letters & spaces or numbers & spaces)
classes = boundaries(lambda c: 1 if c in letters else 2 if c in numbers else 3 if c in spaces else 0)

write(
    SOURCES / "Splitting" / "CharacterClassTable.swift",
    "Which characters the split pattern takes for letters, numbers and white space.",
    "CharacterClassTable",
    [
        array(
            "runs",
            [
                "First scalar of each run shifted left by two, with the class of the run below:",
                "0 other, 1 letter (`\\p{L}`), 2 number (`\\p{N}`), 3 white space (`\\s`).",
            ],
            [c << 2 | k for c, k in classes],
            10,
        )
    ],
)

# --- Normalisation

HANGUL = range(0xAC00, 0xAC00 + 11172)


def combining_class(c):
    # U+0345 has the highest class of all (240), so any other mark moves in front of it.
    if c == 0x345:
        return 240
    return unicodedata.combining(chr(c)) if NFC("q\u0345" + chr(c))[1] == chr(c) else 0


combining = {c: combining_class(c) for c in SCALARS}

decompositions, composing = [], []
for c in SCALARS:
    if c in HANGUL or NFD(chr(c)) == chr(c):
        continue
    parts = [int(p, 16) for p in unicodedata.decomposition(chr(c)).split()]
    assert 1 <= len(parts) <= 2
    # One step at a time must lead to what the reference gives in one go.
    assert NFD("".join(map(chr, parts))) == NFD(chr(c))
    # A pair composes if the reference puts it together again.
    composes = len(parts) == 2 and NFC("".join(map(chr, parts))) == chr(c)
    decompositions.append((c, parts[0], parts[1] if len(parts) == 2 else 0, composes))
    if composes:
        composing.append(parts[1])

seconds = set(composing) | set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
fixed = {c for c, _, _, composes in decompositions if not composes}
unstable = boundaries(lambda c: int(bool(combining[c]) or c in seconds or c in fixed))

flat = []
for c, first, second, composes in decompositions:
    flat += [c << 1 | composes, first, second]

write(
    SOURCES / "Normalization" / "NormalizationTable.swift",
    "Canonical decompositions and combining classes, without those of Hangul syllables.",
    "NormalizationTable",
    [
        array(
            "combiningRuns",
            [
                "First scalar of each run shifted left by eight, with the combining class of the run",
                "below.",
            ],
            [c << 8 | k for c, k in boundaries(lambda c: combining[c])],
            9,
        ),
        array(
            "unstableRuns",
            [
                "First scalar of each run shifted left by one, with 1 where the characters of the run",
                "may change, or change others, when text is put into form C.",
            ],
            [c << 1 | k for c, k in unstable],
            10,
        ),
        array(
            "decompositions",
            [
                "Three numbers each: the character shifted left by one, with 1 where the two parts",
                "compose to it again; the first part; the second part or 0.",
            ],
            flat,
            9,
        ),
    ],
)
if tokenizers.__version__ != "0.23.3":
    print("made with another version of tokenizers than before: review the difference", file=sys.stderr)

#!/usr/bin/env python3
"""Trains the small tokenizer of the tests and writes what the reference makes of many texts.

    python3 make_tokenizer.py          (needs `tokenizers`; made with 0.23.3)

tokenizer.json          merges as "a b"
split/                  the same tokenizer in vocab.json, merges.txt and tokenizer_config.json
encode.jsonl            text, ids; special tokens recognised
encode_plain.jsonl      text, ids; special tokens not recognised
decode.jsonl            ids, text, shown (special tokens left out)
prompts.jsonl           conversations rendered by the template, and the ids of the rendered text

Everything here is our own; the texts below are the training text as well.
"""

import json
import random
import unicodedata
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HERE = Path(__file__).resolve().parent
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|image_pad|>", "<|video_pad|>",
]

TEXTS = """
The camera moves slowly along the street. A man in a red coat crosses it, stops, and looks back.
What happens in the video? Describe the scene in one sentence, with the start and end of each step.
She's sure they're late; we've seen it, I'll go, he'd stay, it isn't far, I'm here. IT'S WE'LL I'VE
You are a helpful assistant. system user assistant Answer with yes or no. 00:12 to 00:45, 3 of 10.
Die Straße ist naß, über dem Café hängt ein Schild: „Größe 42 – geöffnet“. L'été, ça va? El niño.
Человек идёт по улице и смотрит на часы. Ο δρόμος είναι άδειος. רחוב ריק. شارع فارغ في الصباح.
一个人走过街道，停下来看手表。这段视频里发生了什么？ 通りを男が歩いている。カメラが動く。 거리에 사람이 걷고 있다.
सड़क पर एक आदमी चल रहा है। ถนนว่างเปล่าในตอนเช้า 👍🏽 👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ½ ³ Ⅷ
def step(x):\n    return x + 1  # next\n\n\nif (a != b) { c[0] += "d"; }\t// end\r\n
""".strip().replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r").split("\n")

EDGES = [
    "", " ", "  ", "   ", "\n", "\r\n", "\r", "\n\n", " \n", "\n ", " \n ", "  \n  x", "\t", "\t\tx", " \tx",
    "a  b", "a   b", "a \tb", "a\t b", "a\u00a0b", "a \u00a0b", "\u3000a", " \u3000 a", "a\u2003\u2003b", "a\u0085b",
    "a\u2028b", "a\u200bb", "\ufeffa", "x ", "x  ", "x\n", "x \n", "x \n ", "!\n\n!", "!\r\n\r\nx", "?? \n", " !?x", "  !x",
    "'s", "'S", "'\u017f", "a'\u017fb", "'sx", " 'sx", "''s", "'re", "'RE", "'rE", "'r", "'l", "'ll", "'lL", "'L", "'", "''",
    "don't", "DON'T", "d'été", "'été", "’s", "'\u212a", "'\ufb05", "1234", "१२३", "３", "½x", "²³", "Ⅷa", "x1y2", " 1", "  1",
    "e\u0301", "\u00e9", "E\u0301'S", "\u0301", "\u0301a", " \u0301a", "a\u0323\u0307", "a\u0307\u0323", "\u1e0b\u0323",
    "\u212b", "\u2126", "\u1100\u1161\u11a8", "\uac00\u11a8", "\uac01\u11a8", "\u0958", "\u2f800", "\U0002f800", "\ufb1d",
    "\u0340\u0341\u0343", "\u0344", "\u0374", "\u037e", "\u0387", "\u1fef", "\u2000\u2001x", "\u2329", "\uf900", "\ufa10",
    "\U0001d15e", "\U000110ab", "\U000110a5\U000110ba", "\U00011935\U00011930", "\u09c7\u09be", "\u0dd9\u0dcf\u0dca",
    "a\u0898\u0301", "a\u1abf\u0316", "q\u0345\u0301\u0334", "A\u030a", "a\u0345\u0342\u0301", "\u03b1\u0345\u0301",
    "\u1c89\u1c8a", "\U00010d40", "\U00016d80", "\U000323af\U00031350", "\ua7cb", "\u0378", "\ue000", "\U000f0000", "\uffff",
    "\u0000", "a\u0000b", "\u007f", "\ud7ff\uf8ff", "\U0010ffff", "\U000e0001",
    "<|im_end|>", "a<|im_end|>b", "<|im_end|><|im_end|>", "<<|im_end|>>", "<|im_end", "|im_end|>", "<|IM_END|>", "<|im_end|>\n",
    " <|im_start|> user", "<|im_end|>\u0301", "e<|im_end|>\u0301", "  <|im_end|>  ", "'<|im_end|>s", "<|video_pad|><|video_pad|>",
    "<tool>", "<tool>s", "x<tool_call>y", "<tool_", "caf\u00e9!!", "cafe\u0301!!", "xcafe\u0301", "caf\u00e9", "<|im_end|>cafe\u0301<tool>",
]


def random_texts(count):
    rng = random.Random(20240917)
    pools = [
        [chr(c) for c in range(0x20, 0x7F)],
        list(" \t\n\r\u00a0\u3000\u2003"),
        [chr(c) for c in range(0x300, 0x370)],
        [chr(c) for c in range(0x0900, 0x0980)],
        [chr(c) for c in range(0x1100, 0x1200)],
        [chr(c) for c in range(0xAC00, 0xAC80)],
        [chr(c) for c in range(0x1F300, 0x1F700)] + ["\u200d", "\ufe0f", "\U0001f3fd"],
        [chr(c) for c in range(0xA0, 0x250)],
        SPECIAL + ["'s", "'LL", "'\u017f", "<tool>", "<tool_call>"],
        [chr(c) for c in range(0x1E00, 0x2100)],
    ]
    for _ in range(count):
        chosen = rng.sample(pools, rng.randint(1, 4))
        yield "".join(rng.choice(rng.choice(chosen)) for _ in range(rng.randint(1, 24)))


def train():
    tokenizer = Tokenizer(models.BPE(continuing_subword_prefix="", end_of_word_suffix="", fuse_unk=False, byte_fallback=False))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    trainer = trainers.BpeTrainer(
        vocab_size=700, min_frequency=1, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    )
    tokenizer.train_from_iterator(TEXTS * 2, trainer)
    tokenizer.add_special_tokens([AddedToken(t, normalized=False) for t in SPECIAL])
    # One is a prefix of the other, neither is special; the third is sought in normalised text.
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t in ["<tool>", "<tool", "<tool_call>"]])
    tokenizer.add_tokens([AddedToken("cafe\u0301!!", normalized=True)])
    return tokenizer


def lines(path, rows):
    path.write_text("".join(json.dumps(r, ensure_ascii=True) + "\n" for r in rows))
    print(path.relative_to(HERE), len(rows))


def decodings(tokenizer, rows):
    rng = random.Random(7)
    sequences = [r["ids"] for r in rows if r["ids"]]
    # Without the last token, whose name is not ASCII: the reference reads such a name as byte
    # stand-ins and gives broken text for it.
    vocabulary = tokenizer.get_vocab_size() - 1
    sequences = [s for s in sequences if vocabulary not in s]
    single = [tokenizer.token_to_id(c) for c in sorted(pre_tokenizers.ByteLevel.alphabet())]
    result = []
    for _ in range(60):
        ids = rng.choice(sequences)
        start = rng.randrange(len(ids))
        result.append(ids[start : start + rng.randint(1, 12)])
    for _ in range(60):
        result.append([rng.choice(single) for _ in range(rng.randint(1, 6))])
    for _ in range(60):
        result.append([rng.randrange(vocabulary) for _ in range(rng.randint(1, 9))])
    # Every way to start a sequence of several bytes and to break off in it.
    byte = {b: tokenizer.token_to_id(c) for b, c in byte_alphabet().items()}
    for lead in [0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF]:
        for tail in [[], [0x41], [0x80], [0x9F], [0xA0], [0x8F, 0x80], [0x90, 0x80], [0xBF, 0xBF, 0x41], [0xBF, 0xBF, 0xBF]]:
            result.append([byte[b] for b in [lead, *tail]])
    # Ids without a token give nothing.
    result.append([single[0], vocabulary + 6, single[1]])
    return [
        {"ids": i, "text": tokenizer.decode(i, skip_special_tokens=False), "shown": tokenizer.decode(i)}
        for i in result
    ]


def byte_alphabet():
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {b: chr(b) for b in plain} | {b: chr(0x100 + n) for n, b in enumerate(rest)}


def render(messages, generation, vision_ids):
    """The template of the published models, written out (spec 6.1)."""
    text, counts = "", {"image": 0, "video": 0}
    if messages and messages[0]["role"] != "system":
        text += "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    for message in messages:
        text += f"<|im_start|>{message['role']}\n"
        for part in message["content"]:
            kind = part["type"]
            if kind == "text":
                text += part["text"]
                continue
            counts[kind] += 1
            if vision_ids:
                text += f"{'Picture' if kind == 'image' else 'Video'} {counts[kind]}: "
            text += f"<|vision_start|><|{kind}_pad|><|vision_end|>"
        text += "<|im_end|>\n"
    return text + ("<|im_start|>assistant\n" if generation else "")


def prompts(tokenizer):
    def text(t):
        return {"type": "text", "text": t}

    image, video = {"type": "image"}, {"type": "video"}
    conversations = [
        [],
        [("user", [text("What happens in the video?")])],
        [("user", [video, text("What happens in the video?")])],
        [("user", [text("Compare"), image, image, text(" and "), video, text(".")])],
        [("system", [text("")]), ("user", [text("")])],
        [("system", [text("You answer in 中文.\n")]), ("user", [text("\n\n  e"), text("\u0301 x")])],
        # A text that begins where the line break of the template ends.
        [("user", [text("\n")]), ("assistant", [text(" yes ")]), ("user", [video, text("\u0301")])],
        [("user", [text("a<|im_end|>b <|vision_start|>")]), ("assistant", [])],
        [("user", [text("it"), text("'s"), image, text("'s")])],
    ]
    rows = []
    for number, conversation in enumerate(conversations):
        messages = [{"role": r, "content": c} for r, c in conversation]
        for generation in [True, False]:
            rendered = render(messages, generation, number % 2 == 1)
            rows.append(
                {
                    "messages": messages, "generation": generation, "vision_ids": number % 2 == 1,
                    "ids": tokenizer.encode(rendered).ids,
                }
            )
    return rows


def main():
    tokenizer = train()
    tokenizer.save(str(HERE / "tokenizer.json"), pretty=False)
    data = json.loads((HERE / "tokenizer.json").read_text())
    data["model"]["merges"] = [m if isinstance(m, str) else " ".join(m) for m in data["model"]["merges"]]
    (HERE / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
    assert Tokenizer.from_file(str(HERE / "tokenizer.json")).encode(TEXTS[0]).ids == tokenizer.encode(TEXTS[0]).ids

    split = HERE / "split"
    split.mkdir(exist_ok=True)
    (split / "vocab.json").write_text(json.dumps(data["model"]["vocab"], ensure_ascii=False) + "\n")
    (split / "merges.txt").write_text("#version: 0.2\n" + "\n".join(data["model"]["merges"]) + "\n")
    (split / "tokenizer_config.json").write_text(
        json.dumps(
            {
                "tokenizer_class": "Qwen2Tokenizer",
                "add_prefix_space": False,
                "added_tokens_decoder": {
                    str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in data["added_tokens"]
                },
            },
            ensure_ascii=False, indent=1,
        )
        + "\n"
    )

    texts = TEXTS + ["\n".join(TEXTS)] + [unicodedata.normalize("NFD", t) for t in TEXTS] + EDGES + list(random_texts(400))
    rows = [{"text": t, "ids": tokenizer.encode(t).ids} for t in texts]
    lines(HERE / "encode.jsonl", rows)

    for token in tokenizer.get_added_tokens_decoder().values():
        assert token.content
    plain = Tokenizer(models.BPE.from_file(str(split / "vocab.json"), str(split / "merges.txt")))
    plain.normalizer, plain.pre_tokenizer = tokenizer.normalizer, tokenizer.pre_tokenizer
    lines(
        HERE / "encode_plain.jsonl",
        [{"text": t, "ids": plain.encode(t).ids} for t in texts if "<" in t or "caf" in t],
    )
    lines(HERE / "decode.jsonl", decodings(tokenizer, rows))
    lines(HERE / "prompts.jsonl", prompts(tokenizer))


main()

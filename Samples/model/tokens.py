"""Learns the sample model's tokenizer from what is said in the sample world. usage: tokens.py

Writes tokenizer.json and tokenizer_config.json beside this file."""
import json
import pathlib
import random
import sys

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "world"))
import language  # noqa: E402
import world  # noqa: E402

#: of Qwen2's tokenizer, in its order
SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
]
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
           r"\s+(?!\S)|\s+")
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% endif %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def sentences(seed=1, clips=1500):
    rng = random.Random(seed)
    yield from ["system\nuser\nassistant\n", language.PROMPTS["system"], language.PROMPTS["segment"]] * 60
    yield from [f" {w}" for w in (*world.WORDS, *world.COLOURS, *world.SHAPES)] * 60
    yield from list(world.WORDS) * 60
    for _ in range(clips):
        clip = world.random_clip(rng, rng.uniform(4, 40))
        notes = [(s.start, s.end, language.describe(s)) for s in clip.scenes]
        yield language.whole_prompt(notes)
        yield language.whole_answer(notes)
        for question in language.Asker(clip, rng).ask(20):
            yield question.text
            yield question.answer


def main():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=690, min_frequency=2, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(sentences(), trainer)
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.save(str(HERE / "tokenizer.json"))
    data = json.loads((HERE / "tokenizer.json").read_text())
    (HERE / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    (HERE / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "Qwen2Tokenizer", "model_max_length": 8192, "errors": "replace", "add_prefix_space": False,
        "clean_up_tokenization_spaces": False, "split_special_tokens": False, "bos_token": None, "unk_token": None,
        "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "additional_special_tokens": SPECIAL[1:],
        "added_tokens_decoder": {str(tokenizer.token_to_id(t)): {"content": t, **flags} for t in SPECIAL},
        "chat_template": CHAT_TEMPLATE}, indent=2, ensure_ascii=False) + "\n")
    print(tokenizer.get_vocab_size(), "tokens")
    for text in ("The text reads HOTEL.", "A small purple triangle appears and moves right.", "From 12 to 17 seconds."):
        print(tokenizer.encode(text).tokens)


if __name__ == "__main__":
    main()

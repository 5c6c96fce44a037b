"""What the programs that run one peer share: their options, how they measure, and how they tell it.

Each is started by compare.py with the Python of that peer, measures the parts that it is asked for, and prints a line of JSON
a figure: {"measure", "value", "unit"}, or {"measure", "error"} where the part fails, and goes on with the next.
"""
import argparse
import json
import time

# What `reelscribe bench` runs: tokens of a prompt, tokens before the first decoded one, decoded tokens, texts together, and
# the size of a pair of frames.
PREFILL = (512, 4096)
CONTEXT, STEPS, TOGETHER = 512, 16, 8
WIDTH, HEIGHT = 644, 364
SYSTEM = "You are a helpful assistant."


def ids(count):
    """The tokens that `reelscribe bench` reads."""
    return [(index * 7919 + 13) % 150_000 for index in range(count)]


def prompt(question):
    """The prompt of `reelscribe ask` for one video, whose tokens stand where the pad is."""
    return (f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n<|vision_start|><|video_pad|><|vision_end|>"
            f"{question}<|im_end|>\n<|im_start|>assistant\n")


def options(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="the folder or file that the peer reads")
    parser.add_argument("--source", help="the checkpoint, where the peer reads a copy of it in a format of its own")
    parser.add_argument("--type")
    parser.add_argument("--parts", default="prefill,decode,vision", help="of prefill, decode, vision, ask")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--mmproj")
    parser.add_argument("--video")
    parser.add_argument("--question")
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--max-pixels", type=int)
    return parser.parse_args()


def tell(measure, value, unit, **more):
    print(json.dumps({"measure": measure, "value": value, "unit": unit, **more}), flush=True)


def attempt(measure, body):
    """Runs a part; what goes wrong in it is told and does not stop the others."""
    try:
        body()
    except Exception as error:  # whatever a peer throws: it is one missing figure
        print(json.dumps({"measure": measure, "error": f"{type(error).__name__}: {error}"[:400]}), flush=True)


def seconds(body):
    """The median of up to three runs, after one that warms up; long runs warm themselves and one is enough."""
    taken = []
    while len(taken) < 4 and sum(taken) < 10:
        start = time.monotonic()
        body()
        taken.append(time.monotonic() - start)
        if taken[0] > 5:
            return taken[0]
    counted = sorted(taken[1:]) or taken
    return counted[len(counted) // 2]


def load_torchvision():
    """Imports torchvision also where its own operators do not load, as with a CPU build of torch and the usual wheel.

    qwen-vl-utils and the processors take nothing of it but resizing, which is torch's.
    """
    import torch
    register = torch.library.register_fake

    def tolerant(name, *rest, **named):
        if str(name).startswith("torchvision::") and not hasattr(torch.ops.torchvision, str(name).split("::")[1]):
            return lambda function: function
        return register(name, *rest, **named)

    torch.library.register_fake = tolerant
    try:
        import torchvision
    finally:
        torch.library.register_fake = register
    return torchvision


def ask(model, options):
    """One question about a video, as the users of transformers ask it: qwen-vl-utils, the library's processor, generate()."""
    from qwen_vl_utils import process_vision_info
    from transformers import AutoProcessor
    processor = AutoProcessor.from_pretrained(options.source or options.model)
    video = {"type": "video", "video": options.video, "fps": 2.0, "max_pixels": options.max_pixels}
    message = {"role": "user", "content": [video, {"type": "text", "text": options.question}]}
    images, videos, named = process_vision_info([message], return_video_kwargs=True)
    named.pop("fps", None)  # a list, which the processors of transformers 5 refuse; frames are sampled already
    inputs = processor(text=[prompt(options.question)], images=images, videos=videos, return_tensors="pt",
                       do_resize=False, **named)
    given = inputs["input_ids"].shape[1]
    result = model.generate(**inputs, max_new_tokens=options.new_tokens, do_sample=False)
    text = processor.batch_decode(result[:, given:], skip_special_tokens=True)[0]
    visual = int(inputs["video_grid_thw"].prod()) // 4
    tell("ask_tokens", result.shape[1] - given, "tokens", prompt_tokens=given, visual_tokens=visual, characters=len(text))


def main(parts, wanted):
    """Runs the wanted ones of a peer's parts: names and what measures them."""
    unknown = [name for name in wanted if name not in parts]
    for name in unknown:
        print(json.dumps({"measure": name, "error": "this peer has no such part"}), flush=True)
    for name in wanted:
        if name in parts:
            attempt(name, parts[name])
    return 0

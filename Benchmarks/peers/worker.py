"""What the programs that run one peer share: their options, how they measure, and how they tell it.

Each is started by compare.py with the Python of that peer, measures the parts that it is asked for, and prints a line of JSON
a figure: {"measure", "value", "unit"}, or {"measure", "error"} where the part fails, and goes on with the next.
"""
import argparse
import json
import sys
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
    parser.add_argument("--type", required=True)
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


def main(parts, wanted):
    """Runs the wanted ones of a peer's parts: names and what measures them."""
    unknown = [name for name in wanted if name not in parts]
    for name in unknown:
        print(json.dumps({"measure": name, "error": "this peer has no such part"}), flush=True)
    for name in wanted:
        if name in parts:
            attempt(name, parts[name])
    return 0


def fail(reason):
    print(json.dumps({"measure": "load", "error": reason}), flush=True)
    sys.exit(1)

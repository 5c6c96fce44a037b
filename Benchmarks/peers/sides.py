"""The sides of compare.py: what is run for each tool and type, and with what files."""
import dataclasses
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent

# Types in the order of the table. Those marked * are measured only where --sides names them.
TYPES = {
    "reelscribe": ("int4", "int8", "bf16", "f16*", "f32*"),
    "llama": ("q4_0", "q4_k_m", "q8_0", "f16", "bf16"),
    "transformers": ("bf16", "f32"),
    "openvino": ("int4", "int8", "f16"),
}
# Types that take about as many bits a weight.
BITS = {"int4": 4, "q4_0": 4, "q4_k_m": 4, "int8": 8, "q8_0": 8, "bf16": 16, "f16": 16, "f32": 32}
# The environment of setup.sh that a tool runs in.
ENVIRONMENTS = {"llama": "llama", "transformers": "torch", "openvino": "openvino"}
# llama.cpp's tower has types of its own, and is measured once for each.
TOWERS = {"f16": "f16", "q8_0": "q8_0"}
PARTS = ("prefill", "decode", "vision", "ask")
ASKED = ("reelscribe", "transformers", "openvino")


# GB that have to be free, so that nothing else on the machine is ended for want of memory. optimum-intel's question gives the
# tower one dense mask over the patches of all frames (28,800²); 19 GB were seen with 2 layers. Its export holds the model
# in 32 bits more than once.
MEMORY = {("openvino", "ask"): 26, ("openvino", "export"): 20}


class Missing(Exception):
    """Why a side cannot be measured, as a sentence."""


@dataclasses.dataclass(frozen=True)
class Side:
    tool: str
    type: str

    @property
    def name(self):
        return f"{self.tool} {self.type}"

    def parts(self, wanted):
        """What of the wanted parts this side has, the question apart from the others."""
        has = {"prefill", "decode"}
        if self.tool != "llama" or self.type in TOWERS:
            has.add("vision")
        measured = [part for part in wanted if part in has]
        return measured, "ask" in wanted and self.tool in ASKED


def chosen(text):
    """The sides that a list such as `reelscribe:int4,llama` means.

    Raises Missing where it names what there is not.
    """
    result = []
    for word in text.split(","):
        tool, _, kind = word.partition(":")
        if tool not in TYPES:
            raise Missing(f"no tool is called {tool}; there are {', '.join(TYPES)}")
        known = [name.rstrip("*") for name in TYPES[tool]]
        if kind and kind not in known:
            raise Missing(f"{tool} has no type {kind}; there are {', '.join(known)}")
        kinds = [kind] if kind else [name for name in TYPES[tool] if not name.endswith("*")]
        result += [Side(tool, each) for each in kinds if Side(tool, each) not in result]
    return result


def require_memory(tool, part, small):
    """Raises Missing where less memory is free than a part of a tool is known to take; half is enough for a trial's export."""
    needed = MEMORY.get((tool, part), 0)
    if small and part == "export":
        needed /= 2
    try:
        lines = pathlib.Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return
    free = next((int(line.split()[1]) * 1024 / 1e9 for line in lines if line.startswith("MemAvailable:")), needed)
    if free < needed:
        raise Missing(f"takes about {needed:.0f} GB of memory, and {free:.0f} GB are free")


class Setting:
    """Where everything is, and the command lines that follow from it."""

    def __init__(self, options, folder, work):
        self.options, self.folder, self.work = options, folder, work
        layers, depth = options.layers or 28, options.layers or 32
        self.shape = ["--layers", str(layers), "--depth", str(depth)]
        self.checkpoint = work / f"random-{layers}-{depth}"
        self.clip = work / "720p-60s.mp4"

    def beside(self, suffix):
        return self.checkpoint.with_name(f"{self.checkpoint.name}-{suffix}")

    def python(self, tool):
        """The Python of a tool's environment. Raises Missing where it is not installed."""
        place = self.folder / ENVIRONMENTS[tool] / "bin" / "python"
        if not place.exists():
            raise Missing(f"not installed: Benchmarks/peers/setup.sh --only {tool}")
        return str(place)

    def model(self, side):
        """The file or folder that a side loads."""
        if side.tool == "llama":
            return self.beside("gguf") / f"language-{side.type}.gguf"
        if side.tool == "openvino":
            return self.beside("openvino")
        if side.tool == "reelscribe" and side.type.startswith("int"):
            return self.beside(side.type)
        return self.checkpoint

    def preparation(self, sides):
        """What has to be written once: the sides it is for, and its command."""
        tools = {side.tool for side in sides}
        of = {tool: [side for side in sides if side.tool == tool] for tool in tools}
        pythons = [place for tool in ENVIRONMENTS
                   if (place := self.folder / ENVIRONMENTS[tool] / "bin" / "python").exists()]
        script = [str(HERE / "checkpoint.py"), *self.shape, str(self.work), "--types"]
        yield sides, [str(pythons[0]) if pythons else sys.executable, *script, ""]
        if "llama" in tools:
            for side in of["llama"]:
                yield [side], lambda side=side: [self.python("llama"), *script, side.type]
        for side in of.get("reelscribe", []):
            if side.type.startswith("int") and not self.model(side).exists():
                yield [side], [self.options.binary, "model", "quantize", str(self.checkpoint), "--weights", side.type,
                               "--output", str(self.model(side)), "--progress", "none"]
        if "openvino" in tools:
            yield of["openvino"], self.exporting

    def exporting(self):
        target = self.beside("openvino")
        command = [self.python("openvino"), str(HERE / "openvino_peer.py"), "--parts", "export", "--source",
                   str(self.checkpoint), "--model", str(target)]
        if not all((target / kind / "done").exists() for kind in TYPES["openvino"]):
            require_memory("openvino", "export", small=self.options.layers is not None)
        return command

    def weights(self, side):
        return ["--model", str(self.model(side)), "--weights", side.type, "--threads", str(self.options.threads),
                "--kv", self.options.kv, "--activations", self.options.activations, "--progress", "none", "--compact"]

    def worker(self, side):
        return [self.python(side.tool), str(HERE / f"{side.tool}_peer.py"), "--model", str(self.model(side)), "--source",
                str(self.checkpoint), "--type", side.type, "--threads", str(self.options.threads)]

    def measuring(self, side, parts):
        if side.tool == "reelscribe":
            return [self.options.binary, "bench", *self.weights(side), *(word for part in parts for word in ("--parts", part))]
        command = self.worker(side) + ["--parts", ",".join(parts)]
        if "vision" in parts and side.tool == "llama":
            command += ["--mmproj", str(self.beside("gguf") / f"mmproj-{TOWERS[side.type]}.gguf")]
        return command

    def asking(self, side):
        options = self.options
        require_memory(side.tool, "ask", small=options.layers is not None)
        if side.tool == "reelscribe":
            return [options.binary, "ask", str(self.clip), options.question, *self.weights(side), "--detail", "medium",
                    "--max-new-tokens", str(options.new_tokens)]
        return self.worker(side) + [
            "--parts", "ask", "--video", str(self.clip), "--question", options.question, "--new-tokens",
            str(options.new_tokens), "--max-pixels", str(128 * 28 * 28)]

    def warm(self, side):
        """Reads what a side loads, so that no question waits for a disk."""
        place = self.model(side)
        if side.tool == "openvino":
            place = place / side.type
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file():
                with open(file, "rb", buffering=0) as source:
                    while source.read(1 << 24):
                        pass

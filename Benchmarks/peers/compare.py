#!/usr/bin/env python3
"""Measures ReelScribe and its peers side by side, in one run, on the same random weights of the 2B shape.

Sides take turns: in each of --runs rounds every side runs once, in processes of its own, beginning with another one each
round; medians count. Parts: prefill of 512 and of 4096 tokens, decode of one text and of 8 together, vision tower on a
pair of 644×364, and ask: one question about a clip of 60 s in 720p, from the command to the answer. Prints a line of JSON a figure
and at the end one with all medians, to standard output; progress and a table go to standard error.

usage: Benchmarks/peers/compare.py [--only prefill,decode,vision,ask] [--sides reelscribe,llama:q8_0,…] [--layers N] [--runs N]
                                   [--threads N] [--kv f32] [--activations full] [--new-tokens N] [--timeout S] [--folder DIR] [--work DIR]
                                   [--binary PATH]
  --sides    tools (reelscribe, llama, transformers, openvino), each with all of its types, or tool:type
  --layers   so many layers and blocks of vision in place of 28 and 32, for a trial
Needs what Benchmarks/peers/setup.sh installs, and ffmpeg with libx264 for the clip. Models are written once to --work: 30 GB for
all sides, 40 GB while OpenVINO exports. A side that is missing or fails is told in one line and left out; exit status 1 where
ReelScribe itself failed.
"""
import argparse
import json
import os
import pathlib
import platform
import signal
import subprocess
import sys
import threading
import time

from sides import BITS, PARTS, Missing, Setting, chosen

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Figures of the table: name, words, unit, and whether more is better.
MEASURES = (
    ("prefill_512", "prefill, 512 tokens", "tokens/s", True), ("prefill_4096", "prefill, 4096 tokens", "tokens/s", True),
    ("decode", "decode, one text", "tokens/s", True), ("decode_8", "decode, 8 texts", "tokens/s", True),
    ("vision", "vision, 644×364", "patches/s", True), ("ask_seconds", "question, 60 s 720p", "s", False),
    ("ask_peak_mb", "its peak memory", "MB", False))
MACHINE = (("fma_peak", "GFLOP/s"), ("integer_peak", "Gop/s"), ("sgemm", "GFLOP/s"), ("read_bandwidth", "GB/s"))


def say(text):
    print(text, file=sys.stderr, flush=True)


def emit(**line):
    print(json.dumps(line, ensure_ascii=False), flush=True)


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


class Failed(Missing):
    def __init__(self, reason, text=b""):
        super().__init__(reason)
        self.text = text


def run(command, log, options):
    """What a command writes, its wall seconds and its largest resident size.

    Raises Failed where it fails, with what it wrote until then.
    """
    environment = {name: value for name, value in os.environ.items() if name != "REELSCRIBE_MODEL"}
    environment.update(OMP_NUM_THREADS=str(options.threads), TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1",
                       FORCE_QWENVL_VIDEO_READER="decord")
    began, late = time.monotonic(), threading.Event()
    with open(log, "wb") as errors:
        try:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                     env=environment, start_new_session=True)
        except OSError as error:
            raise Failed(f"{command[0]}: {error.strerror}") from error

        def stop():
            late.set()
            os.killpg(child.pid, signal.SIGKILL)

        timer = threading.Timer(options.timeout, stop)
        timer.start()
        try:
            text = child.stdout.read()
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
        finally:
            timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    if late.is_set():
        raise Failed(f"was not done after {options.timeout:.0f} s", text)
    if child.returncode != 0:
        words = log.read_text(errors="replace").strip().splitlines()
        told = [line["error"] for line in lines(text) if "error" in line]
        raise Failed(f"status {child.returncode}: {(told or words[-1:] or ['no message'])[-1][:300]}", text)
    return text, seconds, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def lines(text):
    """The lines of an output that are JSON objects."""
    for line in text.decode(errors="replace").splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                continue


class Comparison:
    def __init__(self, options, setting, sides):
        self.options, self.setting, self.sides = options, setting, sides
        self.values = {}  # measure → side's name → figures
        self.machine = {}
        self.lost = {}  # side's name and part → why
        self.inputs = {}  # side's name → tokens of the question

    def lose(self, side, part, reason):
        if (side.name, part) not in self.lost:
            reason = " ".join(str(reason).split())
            self.lost[side.name, part] = reason
            emit(side=side.name, part=part, error=reason)
            say(f"{side.name}, {part}: {reason}")

    def add(self, side, measure, value, unit, **more):
        self.values.setdefault(measure, {}).setdefault(side.name, []).append(value)
        emit(side=side.name, measure=measure, value=round(value, 4), unit=unit, **more)

    def prepare(self, logs):
        """Writes the models that are not there yet, and the clip."""
        for sides, command in self.setting.preparation(self.sides):
            if all((side.name, "all") in self.lost for side in sides):
                continue
            try:
                command = command() if callable(command) else command
                say("Preparing " + ", ".join(side.name for side in sides))
                run(command, logs / "preparation.log", self.options)
            except Missing as error:
                for side in sides:
                    self.lose(side, "all", error)
        clip = self.setting.clip
        if "ask" in self.options.only and not clip.exists():
            part = clip.with_suffix(".part.mp4")
            try:
                run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-f", "lavfi", "-i",
                     "testsrc2=size=1280x720:rate=30:duration=60", "-c:v", "libx264", "-preset", "veryfast",
                     "-pix_fmt", "yuv420p", str(part)], logs / "preparation.log", self.options)
            except Missing as error:
                for side in self.sides:
                    self.lose(side, "ask", f"no clip: {error}")
                return
            os.replace(part, clip)

    def measure(self, side, turn, logs):
        parts, asked = side.parts(self.options.only)
        log = logs / f"{side.tool}-{side.type}.log"
        parts = [part for part in parts if (side.name, part) not in self.lost]
        if parts:
            try:
                text, _, _ = run(self.setting.measuring(side, parts), log, self.options)
                self.take(side, turn, text)
            except Missing as error:
                # What was measured before it failed holds.
                got = self.take(side, turn, error.text) if isinstance(error, Failed) and side.tool != "reelscribe" else set()
                for part in set(parts) - got:
                    self.lose(side, part, error)
        if asked and (side.name, "ask") not in self.lost:
            try:
                self.setting.warm(side)
                text, seconds, peak = run(self.setting.asking(side), log, self.options)
                self.take_answer(side, turn, text, seconds, peak)
            except Missing as error:
                self.lose(side, "ask", error)

    def take(self, side, turn, text):
        """Notes the figures of one process. Returns the parts of a peer of which something is told."""
        got = set()
        if side.tool == "reelscribe":
            for figure in json.loads(text)["measurements"]:
                name, value, unit = figure["name"], figure["value"], figure["unit"]
                if name in dict(MACHINE):
                    self.machine.setdefault(name, []).append(value)
                more = {"share": figure["efficiency"], "of": figure["relative_to"]} if "efficiency" in figure else {}
                self.add(side, name, value, unit, turn=turn, **more)
            return got
        for line in lines(text):
            if "error" in line:
                got.add(line["measure"])
                self.lose(side, line["measure"], line["error"])
            else:
                got.add(line["measure"].split("_")[0])
                self.add(side, line["measure"], line["value"], line["unit"], turn=turn)
        return got

    def take_answer(self, side, turn, text, seconds, peak):
        if side.tool == "reelscribe":
            document = json.loads(text)
            usage, more = document["usage"], {"stages": document["timing"]}
            tokens = {name: usage[name] for name in ("visual_tokens", "prompt_tokens", "generated_tokens")}
        else:
            told = [line for line in lines(text) if line.get("measure") in ("ask_tokens", "ask")]
            if not told or "error" in told[-1]:
                raise Missing(told[-1]["error"] if told else "no answer")
            tokens = {name: told[-1][name] for name in ("visual_tokens", "prompt_tokens")}
            tokens["generated_tokens"], more = told[-1]["value"], {}
        self.inputs[side.name] = tokens
        self.add(side, "ask_seconds", seconds, "s", turn=turn, **tokens, **more)
        self.add(side, "ask_peak_mb", peak / 1e6, "MB", turn=turn)

    # What comes out

    def medians(self):
        order = [side.name for side in self.sides]
        return {name: {side: median(found[side]) for side in order if side in found}
                for name, _, _, _ in MEASURES if (found := self.values.get(name))}

    def ratios(self, medians):
        """How many times better each of our types is than the best peer, and than the best of about as many bits."""
        bits = {side.name: BITS[side.type] for side in self.sides}
        result = []
        for name, _, _, more in MEASURES:
            found = medians.get(name, {})
            peers = {side: value for side, value in found.items() if not side.startswith("reelscribe")}
            for side, value in found.items():
                if not side.startswith("reelscribe") or not peers:
                    continue
                line = {"measure": name, "side": side}
                for key, group in (("best", peers), ("same_bits", {p: v for p, v in peers.items() if bits[p] == bits[side]})):
                    if group:
                        best = (max if more else min)(group, key=group.get)
                        line[key] = best
                        line[f"times_{key}"] = round(value / group[best] if more else group[best] / value, 2)
                result.append(line)
        return result

    def table(self, medians, ratios):
        tools = [side for side in self.sides if any(side.name in found for found in medians.values())]
        text = "Nothing was measured."
        if tools:
            rows = [["", *(side.tool for side in tools)], ["", *(side.type for side in tools)]]
            for name, words, unit, _ in MEASURES:
                if name in medians:
                    cells = [medians[name].get(side.name) for side in tools]
                    rows.append([f"{words}, {unit}", *("–" if value is None else figure(value) for value in cells)])
            text = aligned(rows)
        if ratios:
            words = {name: title for name, title, _, _ in MEASURES}
            text += "\n\n" + aligned([["how many times better", "than the best peer", "", "at the same bits", ""]] + [
                [f"{words[line['measure']]}: {line['side'].split()[1]}", f"{line['times_best']:.2f}", line["best"],
                 f"{line['times_same_bits']:.2f}" if "same_bits" in line else "–", line.get("same_bits", "")]
                for line in ratios])
        if self.machine:
            text += "\n\nThe machine in the same run: " + ", ".join(
                f"{name} {median(self.machine[name]):.1f} {unit}" for name, unit in MACHINE if name in self.machine)
        if len({tuple(tokens.values()) for tokens in self.inputs.values()}) > 1:
            text += "\nThe question was not the same everywhere: " + json.dumps(self.inputs)
        for (side, part), reason in self.lost.items():
            text += f"\n{side}, {part}: {reason}"
        return text


def figure(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def aligned(rows):
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
                     for row in rows)


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--sides", default="reelscribe,llama,transformers,openvino")
    parser.add_argument("--layers", type=int)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kv", default="f32", help="ReelScribe's storage of keys and values: f32, f16, int8")
    parser.add_argument("--activations", default="full", choices=("full", "fast"),
                        help="how ReelScribe rounds activations")
    parser.add_argument("--question", default="What happens in this video?")
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--timeout", type=float, default=3600, help="seconds of one process")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / ".build" / "peers")
    parser.add_argument("--work", type=pathlib.Path)
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "reelscribe"))
    options = parser.parse_args()
    options.only = options.only.split(",")
    unknown = [part for part in options.only if part not in PARTS]
    if unknown:
        parser.error(f"--only has {', '.join(unknown)}; known are {', '.join(PARTS)}")
    if options.runs < 1 or options.threads < 1 or (options.layers is not None and options.layers < 1):
        parser.error("--runs, --threads and --layers are 1 or more")
    try:
        sides = chosen(options.sides)
    except Missing as error:
        parser.error(str(error))
    return options, sides


def main():
    options, sides = parsed()
    # As Ctrl-C: what is running is ended with this.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    work = (options.work or options.folder / "work").resolve()
    logs = work / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    comparison = Comparison(options, Setting(options, options.folder.resolve(), work), sides)
    comparison.prepare(logs)
    loads = []
    for turn in range(options.runs):
        loads.append(os.getloadavg()[0])
        first = turn % len(sides)
        for side in sides[first:] + sides[:first]:
            if (side.name, "all") not in comparison.lost:
                say(f"Round {turn + 1} of {options.runs}: {side.name}")
                comparison.measure(side, turn, logs)
    medians = comparison.medians()
    ratios = comparison.ratios(medians)
    emit(benchmark="peers", layers=options.layers or 28, runs=options.runs, threads=options.threads, cores=os.cpu_count(),
         machine=platform.machine(), load=[round(load, 2) for load in loads],
         limits={name: round(median(found), 1) for name, found in comparison.machine.items()},
         medians={name: {side: round(value, 4) for side, value in found.items()} for name, found in medians.items()},
         ratios=ratios, question=comparison.inputs,
         left_out=[{"side": side, "part": part, "error": reason} for (side, part), reason in comparison.lost.items()])
    say("\n" + comparison.table(medians, ratios))
    return 1 if any(side.startswith("reelscribe") for side, _ in comparison.lost) else 0


if __name__ == "__main__":
    sys.exit(main())

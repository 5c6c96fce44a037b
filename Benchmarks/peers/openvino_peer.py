#!/usr/bin/env python3
"""Measures OpenVINO on one checkpoint, in f16, int8 or int4 (--type). compare.py starts it, first with --parts export.

`export` writes the model of all types into --model from the checkpoint in --source: optimum-intel's graphs in 16 bits, and the
same with weights in 8 bits a row, or the language model's in 4 bits in groups of 64 and the rest in 8 bits, as optimum-intel
chooses. Prefill, decoding and the vision tower as in `reelscribe bench`; scores are computed for the last token of a prompt
alone, as OpenVINO GenAI does. `ask` is one question about a video, prepared by qwen-vl-utils, through generate().
"""
import pathlib
import sys

import numpy
import worker

worker.load_torchvision()
import openvino

LANGUAGE = "openvino_language_model.xml"


def export(source, folder):
    """The graphs in each type; those that are there already are kept."""
    import nncf
    from optimum.intel import OVModelForVisualCausalLM
    core, whole = openvino.Core(), folder / "f32"
    kinds = {
        "f16": {}, "int8": {"mode": nncf.CompressWeightsMode.INT8_SYM},
        "int4": {"mode": nncf.CompressWeightsMode.INT4_SYM, "group_size": 64, "ratio": 1.0}}
    missing = [kind for kind in kinds if not (folder / kind / "done").exists()]
    if missing and not (whole / "done").exists():
        model = OVModelForVisualCausalLM.from_pretrained(source, export=True, compile=False, load_in_8bit=False)
        model.save_pretrained(whole)
        del model
        (whole / "done").touch()
    for kind in missing:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for file in whole.iterdir():
            if file.suffix == ".json":
                (folder / kind / file.name).write_bytes(file.read_bytes())
            elif file.suffix == ".xml":
                graph = core.read_model(file)
                if kind != "f16":
                    language = file.name == LANGUAGE
                    graph = nncf.compress_weights(graph, **(kinds[kind] if language else kinds["int8"]))
                openvino.save_model(graph, folder / kind / file.name, compress_to_fp16=True)
                del graph
        (folder / kind / "done").touch()
    for file in whole.glob("*") if whole.exists() else []:
        file.unlink()  # 9 GB that nothing reads again
    if whole.exists():
        whole.rmdir()
    worker.tell("export", sum(file.stat().st_size for file in folder.rglob("*")), "bytes")


def last_scores_alone(graph):
    """Has the head multiply the last token of a pass alone."""
    from openvino import opset13 as ops
    head = graph.output("logits").get_node().input_value(0).get_node()
    while head.get_type_name() != "MatMul":
        head = head.input_value(0).get_node()
    rows = head.input_value(0)
    last = ops.slice(rows, *[numpy.array([number], numpy.int64) for number in (-1, 2**31 - 1, 1, 1)])
    head.input(0).replace_source_output(last.output(0))
    graph.validate_nodes_and_infer_types()


class Language:
    """The language model by itself, with embeddings looked up by its own graph."""

    def __init__(self, folder, threads):
        core, settings = openvino.Core(), {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        graph = core.read_model(folder / LANGUAGE)
        last_scores_alone(graph)
        self.request = core.compile_model(graph, "CPU", settings).create_infer_request()
        self.embedding = core.compile_model(folder / "openvino_text_embeddings_model.xml", "CPU", settings)
        self.length = 0

    def reset(self):
        self.request.reset_state()
        self.length = 0

    def run(self, ids):
        count = len(ids)
        rows = self.embedding(numpy.array([ids], numpy.int64))[0]
        positions = numpy.broadcast_to(numpy.arange(self.length, self.length + count), (3, 1, count))
        self.length += count
        self.request.infer({
            "inputs_embeds": rows, "attention_mask": numpy.ones((1, self.length), numpy.int64),
            "position_ids": numpy.ascontiguousarray(positions), "beam_idx": numpy.zeros(1, numpy.int32)})
        shape = self.request.get_tensor("logits").shape
        if shape[1] != 1:
            raise RuntimeError(f"scores of {shape[1]} tokens in place of one")


def prefill(language):
    for tokens in worker.PREFILL:
        ids = worker.ids(tokens)

        def run():
            language.reset()
            language.run(ids)

        worker.tell(f"prefill_{tokens}", tokens / worker.seconds(run), "tokens/s")


def decode(language):
    """Tokens cannot be taken back here: each run goes on behind the one before, which is 16 tokens of 512."""
    start, steps = worker.CONTEXT, worker.STEPS
    ids = worker.ids(start + steps)
    language.reset()
    language.run(ids[:start])

    def run():
        for token in ids[start:]:
            language.run([token])

    worker.tell("decode", steps / worker.seconds(run), "tokens/s")


def load(folder, threads):
    from optimum.intel import OVModelForVisualCausalLM
    return OVModelForVisualCausalLM.from_pretrained(
        folder, ov_config={"INFERENCE_NUM_THREADS": str(threads), "PERFORMANCE_HINT": "LATENCY", "CACHE_DIR": ""})


def vision(folder, threads):
    import torch
    model = load(folder, threads)
    grid = torch.tensor([[1, worker.HEIGHT // 14, worker.WIDTH // 14]])
    rows = int(grid.prod())
    pixels = ((torch.arange(rows * 1176) % 251) / 125 - 1).reshape(rows, 1176)
    taken = worker.seconds(lambda: model.get_vision_embeddings(pixels, grid))
    worker.tell("vision", rows / taken, "patches/s")


def main():
    options = worker.options(__doc__)
    folder = pathlib.Path(options.model)
    if options.parts == "export":
        export(options.source, folder)
        return 0
    place, parts, wanted = folder / options.type, {}, options.parts.split(",")
    if {"prefill", "decode"} & set(wanted):
        language = Language(place, options.threads)
        parts = {"prefill": lambda: prefill(language), "decode": lambda: decode(language)}
    parts["vision"] = lambda: vision(place, options.threads)
    parts["ask"] = lambda: worker.ask(load(place, options.threads), options)
    return worker.main(parts, wanted)


if __name__ == "__main__":
    sys.exit(main())

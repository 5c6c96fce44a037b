#!/usr/bin/env python3
"""Measures llama.cpp on one GGUF file, through the low-level functions of llama-cpp-python. compare.py starts it.

Batches of 512 tokens, no GPU, attention and key-value storage at their defaults (f16). Prefill and decoding as in
`reelscribe bench`: the same tokens, scores of the last token of a prompt alone, and of every decoded token.
"""
import ctypes
import sys

import llama_cpp as llama
import worker

BATCH = 512


class Context:
    """A context of the model and one batch for it."""

    def __init__(self, model, tokens, threads, sequences=1):
        params = llama.llama_context_default_params()
        params.n_ctx, params.n_batch, params.n_ubatch = tokens, BATCH, BATCH
        params.n_threads = params.n_threads_batch = threads
        params.n_seq_max, params.kv_unified = sequences, True
        self.handle = llama.llama_init_from_model(model, params)
        if not self.handle:
            raise RuntimeError("llama_init_from_model failed")
        self.memory = llama.llama_get_memory(self.handle)
        self.batch = llama.llama_batch_init(BATCH, 0, sequences)

    def decode(self, entries):
        """One pass over (token, position, sequence, whether scores are wanted)."""
        batch = self.batch
        batch.n_tokens = len(entries)
        for row, (token, position, sequence, scores) in enumerate(entries):
            batch.token[row], batch.pos[row], batch.logits[row] = token, position, scores
            batch.n_seq_id[row], batch.seq_id[row][0] = 1, sequence
        status = llama.llama_decode(self.handle, batch)
        if status != 0:
            raise RuntimeError(f"llama_decode ended with {status}")
        llama.llama_synchronize(self.handle)

    def prefill(self, ids):
        llama.llama_memory_clear(self.memory, False)
        for start in range(0, len(ids), BATCH):
            piece = range(start, min(start + BATCH, len(ids)))
            self.decode([(ids[index], index, 0, index == len(ids) - 1) for index in piece])

    def close(self):
        llama.llama_batch_free(self.batch)
        llama.llama_free(self.handle)


def prefill(model, threads):
    for tokens in worker.PREFILL:
        context = Context(model, tokens, threads)
        ids = worker.ids(tokens)
        taken = worker.seconds(lambda: context.prefill(ids))
        worker.tell(f"prefill_{tokens}", tokens / taken, "tokens/s")
        context.close()


def decode(model, threads):
    start, steps, together = worker.CONTEXT, worker.STEPS, worker.TOGETHER
    ids = worker.ids(start + steps)
    context = Context(model, 1024, threads, together)
    context.prefill(ids[:start])
    for sequence in range(1, together):
        llama.llama_memory_seq_cp(context.memory, 0, sequence, -1, -1)

    def run(sequences, steps):
        for step in range(start, start + steps):
            context.decode([(ids[step], step, sequence, True) for sequence in range(sequences)])
        for sequence in range(sequences):
            llama.llama_memory_seq_rm(context.memory, sequence, start, -1)

    worker.tell("decode", steps / worker.seconds(lambda: run(1, steps)), "tokens/s")
    few = steps // 4
    worker.tell(f"decode_{together}", together * few / worker.seconds(lambda: run(together, few)), "tokens/s")
    context.close()


def vision(model, projector, threads):
    import llama_cpp.mtmd_cpp as mtmd
    mtmd.mtmd_helper_log_set(quiet, None)
    params = mtmd.mtmd_context_params_default()
    params.use_gpu, params.print_timings, params.n_threads, params.warmup = False, False, threads, False
    context = mtmd.mtmd_init_from_file(projector.encode(), model, params)
    if not context:
        raise RuntimeError("mtmd_init_from_file failed")
    bitmaps = []
    for frame in range(2):  # two frames of a video, which are one pair
        pixels = bytes((index * 31 + frame * 7) % 251 for index in range(worker.WIDTH * worker.HEIGHT * 3))
        data = (ctypes.c_uint8 * len(pixels)).from_buffer_copy(pixels)
        bitmap = mtmd.mtmd_bitmap_init(worker.WIDTH, worker.HEIGHT, data)
        mtmd.mtmd_bitmap_set_mergeable(bitmap, True)
        bitmaps.append(bitmap)
    marker = mtmd.mtmd_default_marker() * 2
    text = mtmd.mtmd_input_text(text=marker, text_len=len(marker), add_special=False, parse_special=True)
    chunks = mtmd.mtmd_input_chunks_init()
    array = (mtmd.mtmd_bitmap_p_ctypes * 2)(*bitmaps)
    status = mtmd.mtmd_tokenize(context, chunks, ctypes.byref(text), array, 2)
    if status != 0:
        raise RuntimeError(f"mtmd_tokenize ended with {status}")
    pictures = [chunk for chunk in (mtmd.mtmd_input_chunks_get(chunks, index)
                                    for index in range(mtmd.mtmd_input_chunks_size(chunks)))
                if mtmd.mtmd_input_chunk_get_type(chunk) == mtmd.MTMD_INPUT_CHUNK_TYPE_IMAGE]
    tokens = sum(mtmd.mtmd_input_chunk_get_n_tokens(chunk) for chunk in pictures)
    wanted = worker.WIDTH // 28 * (worker.HEIGHT // 28)
    if len(pictures) != 1 or tokens != wanted:
        raise RuntimeError(f"a pair is {len(pictures)} pictures of {tokens} tokens, and {wanted} were expected")

    def encode():
        status = mtmd.mtmd_encode_chunk(context, pictures[0])
        if status != 0:
            raise RuntimeError(f"mtmd_encode_chunk ended with {status}")

    worker.tell("vision", 4 * tokens / worker.seconds(encode), "patches/s")
    mtmd.mtmd_input_chunks_free(chunks)
    for bitmap in bitmaps:
        mtmd.mtmd_bitmap_free(bitmap)
    mtmd.mtmd_free(context)


@llama.llama_log_callback
def quiet(level, text, data):
    """Errors alone: what is told of a model that loads well is of no interest here."""
    if level == 4:  # GGML_LOG_LEVEL_ERROR
        sys.stderr.write(text.decode(errors="replace"))


def main():
    options = worker.options(__doc__)
    llama.llama_log_set(quiet, None)
    llama.llama_backend_init()
    params = llama.llama_model_default_params()
    params.n_gpu_layers = 0
    model = llama.llama_model_load_from_file(options.model.encode(), params)
    if not model:
        sys.exit(f"{options.model}: llama_model_load_from_file failed")
    print(llama.llama_print_system_info().decode().strip(), file=sys.stderr)
    return worker.main({
        "prefill": lambda: prefill(model, options.threads),
        "decode": lambda: decode(model, options.threads),
        "vision": lambda: vision(model, options.mmproj, options.threads)}, options.parts.split(","))


if __name__ == "__main__":
    sys.exit(main())

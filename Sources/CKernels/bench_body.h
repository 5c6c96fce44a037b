#define read_tile RS_LEVEL(read_tile)
/* In two streams, which memory answers sooner than one. */
static void read_tile(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t first = tile * TILE_FLOATS, end = rs_min(first + TILE_FLOATS, job->count);
    enum { LINE = 16, VECTORS = LINE / RS_LANES };
    const size_t lines = (end - first) / 2 / LINE;
    const float *at[2] = {job->data + first, job->data + first + lines * LINE};
    vf sum[2][VECTORS] = {};
    for (size_t line = 0; line < lines; line++)
#pragma clang loop unroll(full)
        for (int stream = 0; stream < 2; stream++) {
            rs_ask_ahead((const char *)at[stream], RS_NEAR, RS_FAR);
#pragma clang loop unroll(full)
            for (int v = 0; v < VECTORS; v++) sum[stream][v] += load(at[stream] + v * RS_LANES);
            at[stream] += LINE;
        }
    float total = 0;
    for (int stream = 0; stream < 2; stream++)
        for (int v = 0; v < VECTORS; v++) total += sum_of(sum[stream][v]);
    for (size_t i = first + 2 * lines * LINE; i < end; i++) total += job->data[i];
    job->sums[tile] = total;
}

#define peak_tile RS_LEVEL(peak_tile)
static void peak_tile(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    vf sum[PEAK_CHAINS];
    /* Not from 2, which stays what it is: the compiler sees that, and leaves the chain out. */
#pragma clang loop unroll(full)
    for (int c = 0; c < PEAK_CHAINS; c++) sum[c] = splat((float)c + 3);
    for (size_t i = 0; i < PEAK_STEPS; i++)
#pragma clang loop unroll(full)
        for (int c = 0; c < PEAK_CHAINS; c++) sum[c] = sum[c] * splat(0.5f) + splat(1);
    for (int c = 0; c < PEAK_CHAINS; c++) job->sums[tile] += sum_of(sum[c]);
}

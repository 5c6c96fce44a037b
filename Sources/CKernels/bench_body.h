#define read_tile RS_LEVEL(read_tile)
static void read_tile(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t end = rs_min((tile + 1) * TILE_FLOATS, job->count);
    vf a = splat(0), b = splat(0), c = splat(0), d = splat(0);
    size_t i = tile * TILE_FLOATS;
    for (; i + 4 * RS_LANES <= end; i += 4 * RS_LANES) {
        __builtin_prefetch(job->data + i + 1024, 0, 3);
        a += load(job->data + i);
        b += load(job->data + i + RS_LANES);
        c += load(job->data + i + 2 * RS_LANES);
        d += load(job->data + i + 3 * RS_LANES);
    }
    float sum = sum_of(a + b + c + d);
    for (; i < end; i++) sum += job->data[i];
    job->sums[tile] = sum;
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

#define sigmoid_span RS_LEVEL(sigmoid_span)
RS_INLINE void sigmoid_span(float *x, const float *factor, size_t count, float slope) {
    for (size_t i = 0; i + RS_LANES <= count; i += RS_LANES) {
        const vf value = load(x + i);
        vf y = value / (splat(1) + exponential(splat(-slope) * value));
        if (factor) y *= load(factor + i);
        store(x + i, y);
    }
}

#define sigmoid_tile RS_LEVEL(sigmoid_tile)
static void sigmoid_tile(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t first = tile * TILE;
    const size_t count = rs_min(TILE, job->count - first);
    float *x = job->x + first;
    const float *factor = job->factor ? job->factor + first : NULL;
    sigmoid_span(x, factor, count, job->slope);
    const size_t rest = count % RS_LANES, done = count - rest;
    if (rest == 0) return;
    float edge[RS_LANES] = {0}, edge_factor[RS_LANES] = {0};
    memcpy(edge, x + done, rest * sizeof(float));
    if (factor) memcpy(edge_factor, factor + done, rest * sizeof(float));
    sigmoid_span(edge, factor ? edge_factor : NULL, RS_LANES, job->slope);
    memcpy(x + done, edge, rest * sizeof(float));
}

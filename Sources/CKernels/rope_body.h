#define rotate_tile RS_LEVEL(rotate_tile)
static void rotate_tile(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t half = job->head_size / 2;
    const size_t end = rs_min((tile + 1) * TILE_ROWS, job->rows);
    for (size_t row = tile * TILE_ROWS; row < end; row++) {
        const float *c = job->cosines + row * half, *s = job->sines + row * half;
        for (size_t head = 0; head < job->heads; head++) {
            float *low = job->x + row * job->row_stride + head * job->head_size;
            float *high = low + half;
            size_t m = 0;
            for (; m + RS_LANES <= half; m += RS_LANES) {
                const vf a = load(low + m), b = load(high + m);
                store(low + m, a * load(c + m) - b * load(s + m));
                store(high + m, b * load(c + m) + a * load(s + m));
            }
            for (; m < half; m++) {
                const float a = low[m], b = high[m];
                low[m] = a * c[m] - b * s[m];
                high[m] = b * c[m] + a * s[m];
            }
        }
    }
}

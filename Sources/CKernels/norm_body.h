#define sum_of_squares RS_LEVEL(sum_of_squares)
/* Of the distances to `centre` + `rest`. Lanes add in 32 bits, width / 2 RS_LANES numbers each. */
RS_INLINE double sum_of_squares(const float *x, size_t width, float centre, float rest) {
    vf a = splat(0), b = splat(0);
    size_t i = 0;
    for (; i + 2 * RS_LANES <= width; i += 2 * RS_LANES) {
        const vf x0 = load(x + i) - splat(centre) - splat(rest);
        const vf x1 = load(x + i + RS_LANES) - splat(centre) - splat(rest);
        a += x0 * x0;
        b += x1 * x1;
    }
    double sum = sum_of(a + b);
    for (; i < width; i++) {
        const double distance = x[i] - centre - rest;
        sum += distance * distance;
    }
    return sum;
}

#define layer_norm_row RS_LEVEL(layer_norm_row)
static void layer_norm_row(const struct job *job, const float *x, float *out) {
    vf lanes = splat(0);
    size_t i = 0;
    for (; i + RS_LANES <= job->width; i += RS_LANES) lanes += load(x + i);
    double sum = sum_of(lanes);
    for (; i < job->width; i++) sum += x[i];
    /* The mean in two parts, so that a row far from zero keeps its digits. */
    const double exact = sum / (double)job->width;
    const float mean = (float)exact, rest = (float)(exact - mean);
    const double variance = sum_of_squares(x, job->width, mean, rest) / (double)job->width;
    const float scale = (float)(1 / sqrt(variance + job->epsilon));
    for (i = 0; i < job->width; i++)
        out[i] = (x[i] - mean - rest) * scale * job->weight[i] + job->bias[i];
}

#define rms_norm_row RS_LEVEL(rms_norm_row)
static void rms_norm_row(const struct job *job, const float *x, float *out) {
    const double squares = sum_of_squares(x, job->width, 0, 0) / (double)job->width;
    const float scale = (float)(1 / sqrt(squares + job->epsilon));
    for (size_t i = 0; i < job->width; i++) out[i] = x[i] * scale * job->weight[i];
}

#define norm_tile RS_LEVEL(norm_tile)
static void norm_tile(void *context, size_t tile, void *scratch) {
    (void)scratch;
    norm_rows(context, tile, layer_norm_row, rms_norm_row);
}

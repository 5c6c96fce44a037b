/* Rows of x into quantised panels. Included after vector.h. */

#define quantise_group RS_LEVEL(quantise_group)
/* GROUP numbers at `x` to q, at most `steps` large, which is zero so far, as is `sum`; -> their scale. The same steps as
   in the plain version. */
RS_INLINE float quantise_group(const float *x, float steps, int8_t q[GROUP], int *sum) {
    enum { VECTORS = GROUP / RS_LANES };
    vf v[VECTORS], most = splat(0);
    for (int i = 0; i < VECTORS; i++) {
        v[i] = load(x + i * RS_LANES);
        const vf size = (vf)((vi)v[i] & 0x7fffffff);
        most = choose((size > most) | (size != size), size, most);
    }
    float lanes[RS_LANES], peak = 0;
    memcpy(lanes, &most, sizeof lanes);
    for (int i = 0; i < RS_LANES; i++)
        peak = lanes[i] > peak || lanes[i] != lanes[i] ? lanes[i] : peak;
    if (!(inverse_of(peak, steps) > 0)) return peak / steps;
    const vf inverse = splat(inverse_of(peak, steps));
    const vf shifter = splat(0x1.8p23f);
    vi total = {};
    for (int i = 0; i < VECTORS; i++) {
        /* Two roundings, as in the plain version. */
        const vf scaled = v[i] * inverse;
        const vi whole = (vi)(scaled + shifter) - (vi)shifter;
        total += whole;
        typedef int8_t vb __attribute__((vector_size(RS_LANES)));
        const vb bytes = __builtin_convertvector(whole, vb);
        memcpy(q + i * RS_LANES, &bytes, sizeof bytes);
    }
    int parts[RS_LANES];
    memcpy(parts, &total, sizeof parts);
    for (int i = 0; i < RS_LANES; i++) *sum += parts[i];
    return peak / steps;
}

#define quantise_row RS_LEVEL(quantise_row)
/* Group g of a row to q, with scale and sum at `at`; zeros where there is no such row. */
RS_INLINE void quantise_row(const struct job *job, size_t row, size_t g, size_t at,
                            int8_t q[GROUP]) {
    int sum = 0;
    memset(q, 0, GROUP);
    job->scales[at] = 0;
    if (row < job->rows) {
        const size_t depth = rs_min(GROUP, job->columns - g * GROUP);
        const float *x = job->x + row * job->columns + g * GROUP;
        float rest[GROUP] = {0};
        if (depth < GROUP) x = memcpy(rest, x, depth * sizeof *x);
        job->scales[at] = quantise_group(x, steps_of(job->layout), q, &sum);
    }
    job->sums[at] = job->scales[at] * (float)sum;
}

#define quantise_tile RS_LEVEL(quantise_tile)
static void quantise_tile(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t end = rs_min((tile + 1) * PANEL_TILE, job->panels);
    const size_t bytes = quad_bytes(job->layout);
    for (size_t p = tile * PANEL_TILE; p < end; p++)
        for (size_t g = 0; g < job->groups; g++) {
            char *to = job->quads + (p * job->groups + g) * group_bytes(job->layout);
            for (size_t r = 0; r < PANEL_ROWS; r++) {
                const size_t row = p * PANEL_ROWS + r;
                const size_t at = (p * job->groups + g) * PANEL_ROWS + r;
                int8_t q[GROUP];
                quantise_row(job, row, g, at, q);
                for (size_t k = 0; k < QUADS; k++)
                    put_quad(job->layout, q + 4 * k, to + (k * PANEL_ROWS + r) * bytes);
            }
        }
}

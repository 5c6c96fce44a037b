/* What the product on tiles does outside of tiles, with AVX-512. */

enum { PANEL_BYTES = TILE_ROWS * GROUP };

/* Of two panels of rows and two blocks of outputs. */
struct tile_sums {
    int32_t part[2][WIDTH][TILE_ROWS][OUTPUTS];
    float sum[2][WIDTH][TILE_ROWS][OUTPUTS];
};

/* Rows of x in panels of 16, each row's group as it is: [panels][groups][TILE_ROWS][GROUP]. */
static void quantise_tiles(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t end = rs_min((tile + 1) * PANEL_TILE, job->panels);
    for (size_t p = tile * PANEL_TILE; p < end; p++)
        for (size_t g = 0; g < job->groups; g++)
            for (size_t r = 0; r < TILE_ROWS; r++) {
                const size_t row = p * TILE_ROWS + r;
                const size_t at = (p * job->groups + g) * TILE_ROWS + r;
                quantise_row(job, row, g, at, (int8_t *)job->quads + at * GROUP);
            }
}

/* What the sums over a stretch begin with. */
RS_INLINE void take_sums(const struct job *job, bool first, size_t p, int panels, size_t block,
                         int blocks, struct tile_sums *sums) {
    for (int b = 0; b < blocks; b++) {
        const __mmask16 mask = lanes_of(job, block + (size_t)b);
        const size_t n = (block + (size_t)b) * OUTPUTS;
        const __m512 bias = first && job->bias ? _mm512_maskz_loadu_ps(mask, job->bias + n)
                                               : _mm512_setzero_ps();
        for (int two = 0; two < panels; two++)
            for (size_t r = 0; r < TILE_ROWS; r++) {
                const size_t row = (p + (size_t)two) * TILE_ROWS + r;
                __m512 sum = bias;
                if ((!first || job->adding) && row < job->rows)
                    sum += _mm512_maskz_loadu_ps(mask, job->y + row * job->outputs + n);
                _mm512_storeu_ps(sums->sum[two][b][r], sum);
            }
    }
}

RS_INLINE void put_sums(const struct job *job, size_t p, int panels, size_t block, int blocks,
                        const struct tile_sums *sums) {
    for (int b = 0; b < blocks; b++)
        for (int two = 0; two < panels; two++)
            for (size_t r = 0; r < TILE_ROWS; r++) {
                const size_t row = (p + (size_t)two) * TILE_ROWS + r;
                if (row >= job->rows) break;
                _mm512_mask_storeu_ps(
                    job->y + row * job->outputs + (block + (size_t)b) * OUTPUTS,
                    lanes_of(job, block + (size_t)b), _mm512_loadu_ps(sums->sum[two][b][r]));
            }
}

/* Adds the products of a group, in the steps of the plain version. */
RS_INLINE void add_group(const struct job *job, const char *w, const float *scales,
                         const float *row_sums, const int32_t part[TILE_ROWS][OUTPUTS],
                         float sum[TILE_ROWS][OUTPUTS]) {
    const bool is4 = job->type == RS_INT4;
    const char *factors = w + (is4 ? INT4_BYTES : INT8_BYTES);
    const __m512 scale = halves_at(factors);
    const __m512 minimum = is4 ? halves_at(factors + 2 * OUTPUTS) : _mm512_setzero_ps();
#pragma clang loop unroll_count(4)
    for (int r = 0; r < TILE_ROWS; r++) {
        const __m512 both = _mm512_mul_ps(scale, _mm512_set1_ps(scales[r]));
        const __m512 products = _mm512_cvtepi32_ps(_mm512_loadu_si512(part[r]));
        __m512 whole = _mm512_fmadd_ps(products, both, _mm512_loadu_ps(sum[r]));
        if (is4) whole = _mm512_fmadd_ps(minimum, _mm512_set1_ps(row_sums[r]), whole);
        _mm512_storeu_ps(sum[r], whole);
    }
}

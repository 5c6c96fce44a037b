#include "gemm_block.h"

#undef RS_PANELS
#undef RS_SCORE_ROWS
#define RS_PANELS ((QUERIES + RS_MR - 1) / RS_MR)
#define RS_SCORE_ROWS (RS_PANELS * RS_MR)

#define softmax_row RS_LEVEL(softmax_row)
/* Turns the first `seen` of KEYS scores into powers relative to the running maximum, the others
   into zeros. Returns the factor for what was summed before; updates maximum and weight. */
static float softmax_row(float *scores, size_t seen, float *maximum, float *weight) {
    for (size_t j = seen; j < KEYS; j++) scores[j] = -INFINITY;
    vf highest = splat(*maximum);
    for (size_t j = 0; j < KEYS; j += RS_LANES) {
        const vf s = load(scores + j);
        highest = choose(s > highest, s, highest);
    }
    float lanes[RS_LANES];
    store(lanes, highest);
    float higher = lanes[0];
    for (size_t i = 1; i < RS_LANES; i++) higher = lanes[i] > higher ? lanes[i] : higher;
    vf sum = splat(0);
    for (size_t j = 0; j < KEYS; j += RS_LANES) {
        const vf p = exponential(load(scores + j) - splat(higher));
        store(scores + j, p);
        sum += p;
    }
    const float keep = expf(*maximum - higher);
    *weight = *weight * keep + sum_of(sum);
    *maximum = higher;
    return keep;
}

#define attend_tile RS_LEVEL(attend_tile)
static void attend_tile(void *context, size_t tile, void *scratch) {
    const struct job *job = context;
    const rs_attention_input *in = job->input;
    const size_t d = in->head_size, head = tile % in->heads;
    const size_t first = tile / in->heads * QUERIES;
    const size_t queries = rs_min(QUERIES, in->rows - first);
    const size_t panels = rs_blocks(queries, RS_MR);

    float *q = scratch;                             /* [panels][d][RS_MR] */
    float *sliver = q + RS_SCORE_ROWS * d;          /* [d or KEYS][RS_NR] */
    float *scores = sliver + RS_NR * rs_max(d, KEYS); /* [RS_SCORE_ROWS][KEYS] */
    float *p = scores + RS_SCORE_ROWS * KEYS;       /* [panels][KEYS][RS_MR] */
    float *sum = p + RS_SCORE_ROWS * KEYS;          /* [RS_SCORE_ROWS][d] */
    float maximum[QUERIES], weight[QUERIES];

    for (size_t i = 0; i < panels; i++)
        pack_panel(in->q + (first + i * RS_MR) * in->row + head * d, in->row,
                   rs_min(RS_MR, queries - i * RS_MR), d, in->scale, q + i * RS_MR * d);
    for (size_t i = 0; i < queries; i++) maximum[i] = -INFINITY, weight[i] = 0;
    memset(sum, 0, queries * d * sizeof(float));

    for (size_t at = 0; at < in->rows; at += KEYS) {
        const size_t keys = rs_min(KEYS, in->rows - at);
        const float *k = in->k + head * d + at * in->row, *v = in->v + head * d + at * in->row;
        for (size_t j = 0; j < keys; j += RS_NR) {
            pack_transposed(RS_F32, k + j * in->row, in->row, rs_min(RS_NR, keys - j), d,
                            sliver);
            for (size_t i = 0; i < panels; i++)
                multiply_add(q + i * RS_MR * d, sliver, d, RS_MR, RS_NR, NULL, false,
                             scores + i * RS_MR * KEYS + j, KEYS, rs_nothing_ahead(q));
        }
        for (size_t i = 0; i < queries; i++) {
            const float keep = softmax_row(scores + i * KEYS, keys, &maximum[i], &weight[i]);
            if (keep != 1)
                for (size_t c = 0; c < d; c++) sum[i * d + c] *= keep;
        }
        for (size_t i = 0; i < panels; i++)
            pack_panel(scores + i * RS_MR * KEYS, KEYS, rs_min(RS_MR, queries - i * RS_MR), keys,
                       1, p + i * RS_MR * KEYS);
        for (size_t c = 0; c < d; c += RS_NR) {
            const size_t columns = rs_min(RS_NR, d - c);
            for (size_t j = 0; j < keys; j++) {
                memcpy(sliver + j * RS_NR, v + j * in->row + c, columns * sizeof(float));
                memset(sliver + j * RS_NR + columns, 0, (RS_NR - columns) * sizeof(float));
            }
            for (size_t i = 0; i < panels; i++)
                multiply_add(p + i * RS_MR * KEYS, sliver, keys, rs_min(RS_MR, queries - i * RS_MR),
                             columns, NULL, true, sum + i * RS_MR * d + c, d, rs_nothing_ahead(p));
        }
    }
    for (size_t i = 0; i < queries; i++) {
        float *out = in->out + (first + i) * in->out_row + head * d;
        for (size_t c = 0; c < d; c++) out[c] = sum[i * d + c] / weight[i];
    }
}

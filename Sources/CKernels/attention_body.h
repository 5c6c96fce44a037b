#include "gemm_block.h"

#define pack_keys RS_LEVEL(pack_keys)
/* KEYS keys of a head, scaled, in panels, and their values one behind the other. */
static void pack_keys(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const rs_attention_input *in = job->input;
    const size_t d = in->head_size, head = tile / job->blocks, first = tile % job->blocks * KEYS;
    const size_t end = rs_min(first + KEYS, in->rows), column = (job->head + head) * d;
    float *keys = job->keys + head * job->head_floats;
    float *values = job->values + head * job->head_floats;
    for (size_t j = first; j < end; j += RS_MR)
        pack_panel(in->k + j * in->row + column, in->row, rs_min(RS_MR, end - j), d, in->scale,
                   keys + j * d);
    for (size_t j = first; j < end; j++)
        memcpy(values + j * d, in->v + j * in->row + column, d * sizeof(float));
}

#define take_scores RS_LEVEL(take_scores)
/* Scores of `keys` keys to their rows, and into what is highest so far. */
RS_INLINE void take_scores(size_t keys, const vf sum[RS_MR][2], float *scores, vf highest[2]) {
#pragma clang loop unroll(full)
    for (size_t r = 0; r < keys; r++)
#pragma clang loop unroll(full)
        for (size_t half = 0; half < 2; half++) {
            store(scores + r * RS_NR + half * RS_LANES, sum[r][half]);
            highest[half] = choose(sum[r][half] > highest[half], sum[r][half], highest[half]);
        }
}

#define score_keys RS_LEVEL(score_keys)
/* scores[keys][RS_NR] of a sliver of queries, and the largest of each query in `highest`. */
static void score_keys(const float *panels, const float *q, size_t d, size_t keys, float *scores,
                       vf highest[2]) {
    vf here[2] = {highest[0], highest[1]};
    size_t j = 0;
    for (; j + RS_MR <= keys; j += RS_MR) {
        vf sum[RS_MR][2];
        multiply_block_of(RS_MR, panels + j * d, RS_MR, q, d, rs_nothing_ahead(q), sum);
        take_scores(RS_MR, sum, scores + j * RS_NR, here);
    }
    if (j < keys) {
        vf sum[RS_MR][2];
        multiply_block(panels + j * d, RS_MR, q, d, keys - j, rs_nothing_ahead(q), sum);
        take_scores(keys - j, sum, scores + j * RS_NR, here);
    }
    highest[0] = here[0];
    highest[1] = here[1];
}

#define take_sums RS_LEVEL(take_sums)
/* sums[channels][RS_NR] = keep sums + sum. */
RS_INLINE void take_sums(size_t channels, const vf sum[RS_MR][2], const vf keep[2], float *sums) {
#pragma clang loop unroll(full)
    for (size_t r = 0; r < channels; r++)
#pragma clang loop unroll(full)
        for (size_t half = 0; half < 2; half++) {
            float *at = sums + r * RS_NR + half * RS_LANES;
            store(at, load(at) * keep[half] + sum[r][half]);
        }
}

#define weigh_values RS_LEVEL(weigh_values)
/* sums[d][RS_NR] = keep sums + the values of the keys, weighted with p[keys][RS_NR]. */
static void weigh_values(const float *values, const float *p, size_t keys, size_t d,
                         const vf keep[2], float *sums) {
    size_t c = 0;
    for (; c + RS_MR <= d; c += RS_MR) {
        vf sum[RS_MR][2];
        multiply_block_of(RS_MR, values + c, d, p, keys, rs_nothing_ahead(p), sum);
        take_sums(RS_MR, sum, keep, sums + c * RS_NR);
    }
    if (c < d) {
        vf sum[RS_MR][2];
        /* An odd last channel comes with what follows it: the next key's first, or the pad. */
        multiply_block(values + c, d, p, keys, d - c, rs_nothing_ahead(p), sum);
        take_sums(d - c, sum, keep, sums + c * RS_NR);
    }
}

#define put_queries RS_LEVEL(put_queries)
/* sums[d][RS_NR] / weight to the rows of the queries. */
static void put_queries(float *sums, const vf weight[2], size_t d, size_t queries, float *out,
                        size_t out_row) {
    for (size_t c = 0; c < d; c++)
        for (size_t half = 0; half < 2; half++) {
            float *row = sums + c * RS_NR + half * RS_LANES;
            store(row, load(row) / weight[half]);
        }
    for (size_t first = 0; first < queries; first += RS_LANES) {
        const size_t here = rs_min(RS_LANES, queries - first);
        size_t c = 0;
        for (; c + RS_LANES <= d; c += RS_LANES) {
            vf v[RS_LANES];
#pragma clang loop unroll(full)
            for (int i = 0; i < RS_LANES; i++) v[i] = load(sums + (c + (size_t)i) * RS_NR + first);
            transpose(v);
            for (size_t i = 0; i < here; i++) store(out + (first + i) * out_row + c, v[i]);
        }
        for (; c < d; c++)
            for (size_t i = 0; i < here; i++)
                out[(first + i) * out_row + c] = sums[c * RS_NR + first + i];
    }
}

#define attend_tile RS_LEVEL(attend_tile)
/* RS_NR queries of a head lie side by side in the lanes: what is done for one is done for all, keys
   and channels are broadcast, and nothing but the result is turned over. */
static void attend_tile(void *context, size_t tile, void *scratch) {
    const struct job *job = context;
    const rs_attention_input *in = job->input;
    const size_t d = in->head_size, slivers = rs_blocks(in->rows, RS_NR);
    const size_t head = tile / slivers, first = tile % slivers * RS_NR;
    const size_t queries = rs_min(RS_NR, in->rows - first), column = (job->head + head) * d;
    const float *keys = job->keys + head * job->head_floats;
    const float *values = job->values + head * job->head_floats;

    float *q = scratch;                /* [d][RS_NR] */
    float *scores = q + d * RS_NR;     /* [KEYS][RS_NR] */
    float *sums = scores + KEYS * RS_NR; /* [d][RS_NR] */
    pack_transposed(RS_F32, in->q + first * in->row + column, in->row, queries, d, q);
    memset(sums, 0, d * RS_NR * sizeof(float));
    vf maximum[2] = {splat(-INFINITY), splat(-INFINITY)}, weight[2] = {splat(0), splat(0)};

    for (size_t at = 0; at < in->rows; at += KEYS) {
        const size_t count = rs_min(KEYS, in->rows - at);
        vf highest[2] = {maximum[0], maximum[1]}, keep[2], sum[2] = {splat(0), splat(0)};
        score_keys(keys + at * d, q, d, count, scores, highest);
        for (int half = 0; half < 2; half++)
            keep[half] = power_below_one(maximum[half] - highest[half]);
        const vf high0 = highest[0], high1 = highest[1];
        for (size_t j = 0; j < count; j++) {
            float *row = scores + j * RS_NR;
            const vf p0 = power_below_one(load(row) - high0);
            const vf p1 = power_below_one(load(row + RS_LANES) - high1);
            store(row, p0);
            store(row + RS_LANES, p1);
            sum[0] += p0;
            sum[1] += p1;
        }
        for (int half = 0; half < 2; half++) {
            weight[half] = weight[half] * keep[half] + sum[half];
            maximum[half] = highest[half];
        }
        weigh_values(values + at * d, scores, count, d, keep, sums);
    }
    put_queries(sums, weight, d, queries, in->out + first * in->out_row + column, in->out_row);
}

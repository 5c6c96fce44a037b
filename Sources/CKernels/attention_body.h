#include "gemm_block.h"

#undef RS_PANELS
#undef RS_SCORE_ROWS
#define RS_PANELS ((QUERIES + RS_MR - 1) / RS_MR)
#define RS_SCORE_ROWS (RS_PANELS * RS_MR)

#define softmax_row RS_LEVEL(softmax_row)
/* Turns the first `seen` of KEYS scores into powers relative to the running maximum, the others
   into zeros. Returns the factor for what was summed before; updates maximum and weight. */
static float softmax_row(float *scores, size_t seen, float *maximum, float *weight) {
    if (seen == 0) {
        memset(scores, 0, KEYS * sizeof(float));
        return 1;
    }
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
    /* The last blocks of a causal pass see the most keys: they go first. */
    const size_t first = (job->blocks - 1 - tile / in->heads) * QUERIES;
    const size_t queries = rs_min(QUERIES, in->queries - first);
    const size_t panels = rs_blocks(queries, RS_MR);
    const size_t kv = kv_head_of(in, head) * in->kv_head;

    float *q = scratch;                             /* [panels][d][RS_MR] */
    float *sliver = q + RS_SCORE_ROWS * d;          /* [d or KEYS][RS_NR] */
    float *scores = sliver + RS_NR * rs_max(d, KEYS); /* [RS_SCORE_ROWS][KEYS] */
    float *p = scores + RS_SCORE_ROWS * KEYS;       /* [panels][KEYS][RS_MR] */
    float *sum = p + RS_SCORE_ROWS * KEYS;          /* [RS_SCORE_ROWS][d] */
    float maximum[QUERIES], weight[QUERIES];

    for (size_t i = 0; i < panels; i++)
        pack_panel(in->q + (first + i * RS_MR) * in->q_row + head * d, in->q_row,
                   rs_min(RS_MR, queries - i * RS_MR), d, in->scale, q + i * RS_MR * d);
    for (size_t i = 0; i < queries; i++) maximum[i] = -INFINITY, weight[i] = 0;
    memset(sum, 0, queries * d * sizeof(float));

    const size_t end = keys_seen(in, first + queries - 1);
    for (size_t at = 0; at < end; at += KEYS) {
        const size_t keys = rs_min(KEYS, end - at);
        const float *k = in->k + kv + at * in->kv_row, *v = in->v + kv + at * in->kv_row;
        for (size_t j = 0; j < keys; j += RS_NR) {
            pack_transposed(RS_F32, k + j * in->kv_row, in->kv_row, rs_min(RS_NR, keys - j), d,
                            sliver);
            for (size_t i = 0; i < panels; i++)
                multiply_add(q + i * RS_MR * d, sliver, d, RS_MR, RS_NR, NULL, false,
                             scores + i * RS_MR * KEYS + j, KEYS);
        }
        for (size_t i = 0; i < queries; i++) {
            const size_t seen = keys_seen(in, first + i);
            const float keep = softmax_row(scores + i * KEYS,
                                           seen > at ? rs_min(seen - at, keys) : 0, &maximum[i],
                                           &weight[i]);
            if (keep != 1)
                for (size_t c = 0; c < d; c++) sum[i * d + c] *= keep;
        }
        for (size_t i = 0; i < panels; i++)
            pack_panel(scores + i * RS_MR * KEYS, KEYS, rs_min(RS_MR, queries - i * RS_MR), keys,
                       1, p + i * RS_MR * KEYS);
        for (size_t c = 0; c < d; c += RS_NR) {
            const size_t columns = rs_min(RS_NR, d - c);
            for (size_t j = 0; j < keys; j++) {
                memcpy(sliver + j * RS_NR, v + j * in->kv_row + c, columns * sizeof(float));
                memset(sliver + j * RS_NR + columns, 0, (RS_NR - columns) * sizeof(float));
            }
            for (size_t i = 0; i < panels; i++)
                multiply_add(p + i * RS_MR * KEYS, sliver, keys, rs_min(RS_MR, queries - i * RS_MR),
                             columns, NULL, true, sum + i * RS_MR * d + c, d);
        }
    }
    for (size_t i = 0; i < queries; i++) {
        float *out = in->out + (first + i) * in->out_row + head * d;
        for (size_t c = 0; c < d; c++) out[c] = sum[i * d + c] / weight[i];
    }
}

#define dot RS_LEVEL(dot)
RS_INLINE float dot(const float *a, const float *b, size_t count) {
    vf sum = splat(0);
    size_t i = 0;
    for (; i + RS_LANES <= count; i += RS_LANES) sum += load(a + i) * load(b + i);
    float total = sum_of(sum);
    for (; i < count; i++) total += a[i] * b[i];
    return total;
}

#define share_tile RS_LEVEL(share_tile)
static void share_tile(void *context, size_t head, void *scratch) {
    (void)scratch;
    const rs_attention_shares_input *in = context;
    const size_t d = in->head_size;
    const float *q = in->q + head * d, *k = in->k + head / (in->heads / in->kv_heads) * in->kv_head;
    float scores[KEYS], maximum = -INFINITY, weight = 0;
    for (size_t at = 0; at < in->keys; at += KEYS) {
        const size_t keys = rs_min(KEYS, in->keys - at);
        for (size_t j = 0; j < keys; j++)
            scores[j] = dot(q, k + (at + j) * in->kv_row, d) * in->scale;
        softmax_row(scores, keys, &maximum, &weight);
    }
    for (size_t g = 0; g < in->groups; g++) {
        const float *key = k + (in->first + g * in->group_keys) * in->kv_row;
        float sum = 0;
        for (size_t j = 0; j < in->group_keys; j++)
            sum += expf(dot(q, key + j * in->kv_row, d) * in->scale - maximum);
        in->shares[head * in->groups + g] = sum / weight;
    }
}

#define weigh RS_LEVEL(weigh)
/* out[columns] = sum over the keys of p[j] v[j]; `columns` a constant number of vectors. */
RS_INLINE void weigh(const float *p, const float *v, size_t stride, size_t keys, int vectors,
                     float *out) {
    vf sum[4];
#pragma clang loop unroll(full)
    for (int c = 0; c < vectors; c++) sum[c] = splat(0);
    for (size_t j = 0; j < keys; j++)
#pragma clang loop unroll(full)
        for (int c = 0; c < vectors; c++)
            sum[c] += splat(p[j]) * load(v + j * stride + (size_t)c * RS_LANES);
#pragma clang loop unroll(full)
    for (int c = 0; c < vectors; c++) store(out + (size_t)c * RS_LANES, sum[c]);
}

#define attend_one_tile RS_LEVEL(attend_one_tile)
static void attend_one_tile(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const rs_attention_input *in = job->input;
    const size_t d = in->head_size, group = in->heads / in->kv_heads;
    const size_t kv_head = tile / job->stretches, stretch = tile % job->stretches;
    const size_t first = stretch * STRETCH;
    const size_t keys = rs_min(STRETCH, keys_seen(in, 0) - first);
    const size_t start = kv_head * in->kv_head + first * in->kv_row;
    const float *k = in->k + start, *v = in->v + start;
    for (size_t head = kv_head * group; head < (kv_head + 1) * group; head++) {
        float scores[KEYS];
        const float *q = in->q + head * d;
        for (size_t j = 0; j < keys; j++) scores[j] = dot(q, k + j * in->kv_row, d) * in->scale;
        float *part = job->parts + (head * job->stretches + stretch) * (d + 2);
        part[d] = -INFINITY;
        part[d + 1] = 0;
        softmax_row(scores, keys, &part[d], &part[d + 1]);
        size_t c = 0;
        for (; c + 4 * RS_LANES <= d; c += 4 * RS_LANES)
            weigh(scores, v + c, in->kv_row, keys, 4, part + c);
        for (; c + RS_LANES <= d; c += RS_LANES)
            weigh(scores, v + c, in->kv_row, keys, 1, part + c);
        for (; c < d; c++) {
            part[c] = 0;
            for (size_t j = 0; j < keys; j++) part[c] += scores[j] * v[j * in->kv_row + c];
        }
    }
}

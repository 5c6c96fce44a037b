/* Attention in blocks with a running softmax: the matrix of scores never exists as a whole.

   Many queries: a tile of work is a block of queries of one head; it walks over blocks of keys and
   multiplies with the packed blocks of gemm_block.h. One query: a tile is a stretch of the keys of
   one key head, whose query heads it serves together; the stretches are joined at the end. */

#include <math.h>

#include "internal.h"

enum {
    QUERIES = 126, /* of a tile: a multiple of the panels of AVX2 and AVX-512 */
    KEYS = 256,    /* of a step */
    STRETCH = 256, /* keys of a tile where there is one query */
};

struct job {
    const rs_attention_input *input;
    size_t blocks;     /* of queries */
    size_t stretches;  /* of keys */
    float *parts;      /* one query: [heads][stretches][head_size + 2]: sum, maximum, weight */
};

static inline size_t kv_head_of(const rs_attention_input *in, size_t head) {
    return head / (in->heads / in->kv_heads);
}

/* Keys that query `i` sees. */
static inline size_t keys_seen(const rs_attention_input *in, size_t i) {
    return in->causal ? rs_min(in->offset + i + 1, in->keys) : in->keys;
}

#define RS_BODY "attention_body.h"
#include "each_level.h"

/* The plain version: one query at a time, sums in 64 bits. */
static void attend_tile_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const rs_attention_input *in = job->input;
    const size_t d = in->head_size, head = tile / job->blocks;
    const size_t first = tile % job->blocks * QUERIES;
    const size_t kv = kv_head_of(in, head) * in->kv_head;
    double sum[RS_ATTENTION_MAX_HEAD];
    for (size_t i = first; i < rs_min(first + QUERIES, in->queries); i++) {
        const float *q = in->q + i * in->q_row + head * d;
        double maximum = -INFINITY, weight = 0;
        for (size_t c = 0; c < d; c++) sum[c] = 0;
        for (size_t j = 0; j < keys_seen(in, i); j++) {
            const float *k = in->k + kv + j * in->kv_row, *v = in->v + kv + j * in->kv_row;
            double score = 0;
            for (size_t c = 0; c < d; c++) score += (double)q[c] * k[c];
            score *= in->scale;
            const double higher = score > maximum ? score : maximum;
            const double keep = exp(maximum - higher), p = exp(score - higher);
            for (size_t c = 0; c < d; c++) sum[c] = sum[c] * keep + p * v[c];
            weight = weight * keep + p;
            maximum = higher;
        }
        float *out = in->out + i * in->out_row + head * d;
        for (size_t c = 0; c < d; c++) out[c] = (float)(sum[c] / weight);
    }
}

/* Joins the stretches of a head, in their order. */
static void join(const struct job *job, size_t head) {
    const size_t d = job->input->head_size, size = d + 2;
    const float *parts = job->parts + head * job->stretches * size;
    float *out = job->input->out + head * d;
    float maximum = -INFINITY, weight = 0;
    for (size_t s = 0; s < job->stretches; s++)
        maximum = parts[s * size + d] > maximum ? parts[s * size + d] : maximum;
    for (size_t c = 0; c < d; c++) out[c] = 0;
    for (size_t s = 0; s < job->stretches; s++) {
        const float *part = parts + s * size;
        const float keep = expf(part[d] - maximum);
        weight += part[d + 1] * keep;
        for (size_t c = 0; c < d; c++) out[c] += part[c] * keep;
    }
    for (size_t c = 0; c < d; c++) out[c] /= weight;
}

void rs_attention(rs_pool *pool, const rs_attention_input *input) {
    const rs_level level = rs_pool_level(pool);
    struct job job = {.input = input, .blocks = rs_blocks(input->queries, QUERIES)};
    job.stretches = rs_blocks(keys_seen(input, 0), STRETCH);
    const size_t parts = input->heads * job.stretches * (input->head_size + 2);
    if (input->queries != 1 || level == RS_SCALAR || parts > RS_SHARED_BYTES / sizeof(float)) {
        rs_pool_run(pool, RS_CHOOSE(level, attend_tile), &job, input->heads * job.blocks);
        return;
    }
    rs_pool_hold(pool);
    job.parts = rs_pool_shared(pool);
    rs_pool_run_held(pool, RS_CHOOSE_VECTOR(level, attend_one_tile), &job,
                     input->kv_heads * job.stretches);
    for (size_t head = 0; head < input->heads; head++) join(&job, head);
    rs_pool_let_go(pool);
}

static void share_tile_scalar(void *context, size_t head, void *scratch) {
    (void)scratch;
    const rs_attention_shares_input *in = context;
    const size_t d = in->head_size;
    const float *q = in->q + head * d, *k = in->k + head / (in->heads / in->kv_heads) * in->kv_head;
    double maximum = -INFINITY, weight = 0;
    for (size_t pass = 0; pass < 2; pass++) {
        double sum = 0;
        for (size_t j = 0; j < in->keys; j++) {
            double score = 0;
            for (size_t c = 0; c < d; c++) score += (double)q[c] * k[j * in->kv_row + c];
            score *= in->scale;
            if (pass == 0) {
                const double higher = score > maximum ? score : maximum;
                weight = weight * exp(maximum - higher) + exp(score - higher);
                maximum = higher;
                continue;
            }
            if (j < in->first || j >= in->first + in->groups * in->group_keys) continue;
            const size_t place = j - in->first;
            if (place % in->group_keys == 0) sum = 0;
            sum += exp(score - maximum);
            if (place % in->group_keys == in->group_keys - 1)
                in->shares[head * in->groups + place / in->group_keys] = (float)(sum / weight);
        }
    }
}

void rs_attention_shares(rs_pool *pool, const rs_attention_shares_input *input) {
    rs_attention_shares_input copy = *input;
    rs_pool_run(pool, RS_CHOOSE(rs_pool_level(pool), share_tile), &copy, input->heads);
}

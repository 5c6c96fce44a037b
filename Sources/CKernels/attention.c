/* Attention among rows in blocks with a running softmax: the matrix of scores never exists as a
   whole. The keys and values of some heads are packed once into the pool's shared memory; a tile of
   work is then a few queries of one head, which walk over all keys. */

#include <math.h>

#include "internal.h"

enum { KEYS = 168 /* of a step: a multiple of every level's panel */ };

struct job {
    const rs_attention_input *input;
    size_t head;        /* the first of those that are packed */
    size_t blocks;      /* of KEYS keys */
    float *keys;        /* [heads][head_floats]: panels of each head */
    float *values;      /* the same: [rows][head_size] */
    size_t head_floats; /* between two heads */
};

#define RS_BODY "attention_body.h"
#include "each_level.h"

/* The plain version: one query at a time, sums in 64 bits. */
static void attend_tile_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const rs_attention_input *in = job->input;
    const size_t d = in->head_size, head = tile / in->rows, i = tile % in->rows;
    double sum[RS_ATTENTION_MAX_HEAD];
    const float *q = in->q + i * in->row + head * d;
    double maximum = -INFINITY, weight = 0;
    for (size_t c = 0; c < d; c++) sum[c] = 0;
    for (size_t j = 0; j < in->rows; j++) {
        const float *k = in->k + j * in->row + head * d, *v = in->v + j * in->row + head * d;
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

void rs_attention(rs_pool *pool, const rs_attention_input *input) {
    struct job job = {.input = input, .blocks = rs_blocks(input->rows, KEYS)};
    /* One number more: see weigh_values. */
    job.head_floats = job.blocks * KEYS * input->head_size + 16;
    const rs_level level = rs_pool_level(pool);
    const size_t fits = RS_SHARED_BYTES / sizeof(float) / 2 / job.head_floats;
    if (level == RS_SCALAR || fits == 0) {
        /* A single head that does not fit has more rows than any picture has patches. */
        rs_pool_run(pool, attend_tile_scalar, &job, input->heads * input->rows);
        return;
    }
    const size_t lanes = level == RS_AVX512 ? 16 : level == RS_AVX2 ? 8 : 4;
    rs_pool_hold(pool);
    job.keys = rs_pool_shared(pool);
    job.values = job.keys + rs_min(fits, input->heads) * job.head_floats;
    for (; job.head < input->heads; job.head += fits) {
        const size_t heads = rs_min(fits, input->heads - job.head);
        rs_pool_run_held(pool, RS_CHOOSE_VECTOR(level, pack_keys), &job, heads * job.blocks);
        rs_pool_run_held(pool, RS_CHOOSE_VECTOR(level, attend_tile), &job,
                         heads * rs_blocks(input->rows, 2 * lanes));
    }
    rs_pool_let_go(pool);
}

/* Attention among rows in blocks with a running softmax: the matrix of scores never exists as a
   whole. A tile of work is a block of queries of one head; it walks over blocks of keys and multiplies
   with the packed blocks of gemm_block.h. */

#include <math.h>

#include "internal.h"

enum {
    QUERIES = 126, /* of a tile: a multiple of the panels of AVX2 and AVX-512 */
    KEYS = 256,    /* of a step */
};

struct job {
    const rs_attention_input *input;
    size_t blocks; /* of queries */
};

#define RS_BODY "attention_body.h"
#include "each_level.h"

/* The plain version: one query at a time, sums in 64 bits. */
static void attend_tile_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const rs_attention_input *in = job->input;
    const size_t d = in->head_size, head = tile / job->blocks;
    const size_t first = tile % job->blocks * QUERIES;
    double sum[RS_ATTENTION_MAX_HEAD];
    for (size_t i = first; i < rs_min(first + QUERIES, in->rows); i++) {
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
}

void rs_attention(rs_pool *pool, const rs_attention_input *input) {
    struct job job = {.input = input, .blocks = rs_blocks(input->rows, QUERIES)};
    rs_pool_run(pool, RS_CHOOSE(rs_pool_level(pool), attend_tile), &job,
                input->heads * job.blocks);
}

/* Activations, in place. */

#include <math.h>

#include "internal.h"

enum { TILE = 16384 };

struct job {
    float *x;
    const float *factor; /* NULL: none */
    size_t count;
    float slope;
};

#define RS_BODY "activation_body.h"
#include "each_level.h"

static inline float sigmoid_product(float x, float slope) { return x / (1 + expf(-slope * x)); }

static void sigmoid_tile_scalar(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t end = rs_min((tile + 1) * TILE, job->count);
    for (size_t i = tile * TILE; i < end; i++)
        job->x[i] = sigmoid_product(job->x[i], job->slope) * (job->factor ? job->factor[i] : 1);
}

/* One layer of the merger uses it: the C library's erf is fast enough there, and exact. */
static void gelu_tile(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t end = rs_min((tile + 1) * TILE, job->count);
    for (size_t i = tile * TILE; i < end; i++)
        job->x[i] = 0.5f * job->x[i] * (1 + erff(job->x[i] * 0x1.6a09e6p-1f));
}

static void run_sigmoid(rs_pool *pool, struct job job) {
    rs_pool_run(pool, RS_CHOOSE(rs_pool_level(pool), sigmoid_tile), &job,
                rs_blocks(job.count, TILE));
}

void rs_quick_gelu(rs_pool *pool, float *x, size_t count) {
    run_sigmoid(pool, (struct job){x, NULL, count, 1.702f});
}

void rs_silu_multiply(rs_pool *pool, float *gate, const float *up, size_t count) {
    run_sigmoid(pool, (struct job){gate, up, count, 1});
}

void rs_gelu(rs_pool *pool, float *x, size_t count) {
    struct job job = {x, NULL, count, 1};
    rs_pool_run(pool, gelu_tile, &job, rs_blocks(count, TILE));
}

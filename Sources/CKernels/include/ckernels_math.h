#ifndef REELSCRIBE_CKERNELS_MATH_H
#define REELSCRIBE_CKERNELS_MATH_H

#include "ckernels_pool.h"

/* All arrays are row-major and 32-bit unless a type says otherwise. Sizes and strides count
   elements. No output may overlap an input unless a comment says "in place". */

/* How weights are stored. */
typedef enum { RS_F32 = 0, RS_BF16 = 1, RS_F16 = 2 } rs_type;

/* Columns of a weight that rs_linear takes at most. */
#define RS_LINEAR_MAX_COLUMNS ((size_t)1 << 20)

/* For how many rows a product is made. Both are right for any number of rows, and a row then has
   the same bits alone and among others; the two add in another order. */
typedef enum {
    RS_FEW_ROWS = 0, /* decoding: bound by reading the weights, each once for some rows */
    RS_MANY_ROWS = 1 /* bound by multiplying */
} rs_linear_use;

/* y[m][n] = sum over k of x[m][k] w[n][k] + bias[n], added to what is in y where `adding`.
   x [rows, columns], w [outputs, columns] (aligned to its scalar), y [rows, outputs], each
   without gaps; bias [outputs] or NULL. */
void rs_linear(rs_pool *pool, rs_linear_use use, const float *x, size_t rows, size_t columns,
               const void *w, rs_type type, size_t outputs, const float *bias, float *y,
               bool adding);

/* out = in as f32. */
void rs_expand(rs_type type, const void *in, size_t count, float *out);

/* out = (x - mean) / sqrt(variance + epsilon) * weight + bias for each row; biased variance. */
void rs_layer_norm(rs_pool *pool, const float *x, size_t rows, size_t width, const float *weight,
                   const float *bias, float epsilon, float *out);

/* out = x / sqrt(mean of squares + epsilon) * weight for each row. */
void rs_rms_norm(rs_pool *pool, const float *x, size_t rows, size_t width, const float *weight,
                 float epsilon, float *out);

/* In place: z * sigmoid(1.702 z). */
void rs_quick_gelu(rs_pool *pool, float *x, size_t count);
/* In place: z/2 * (1 + erf(z / sqrt 2)). */
void rs_gelu(rs_pool *pool, float *x, size_t count);
/* In place in gate: gate * sigmoid(gate) * up. */
void rs_silu_multiply(rs_pool *pool, float *gate, const float *up, size_t count);

/* In place rotation of channel pairs (m, m + head_size/2) of each head:
   row r, head h starts at x + r * row_stride + h * head_size; tables [rows, head_size/2]. */
void rs_rotate(rs_pool *pool, float *x, size_t rows, size_t row_stride, size_t heads,
               size_t head_size, const float *cosines, const float *sines);

/* Head size that attention takes at most. */
#define RS_ATTENTION_MAX_HEAD ((size_t)4096)

/* softmax(scale q kT) v of every row among all rows, never holding a whole score matrix. Row i, head
   h of q, k and v: at i * row + h * head_size. */
typedef struct {
    const float *q;
    const float *k;
    const float *v;
    size_t row;
    float *out; /* row i, head h: out + i * out_row + h * head_size */
    size_t out_row;
    size_t heads;
    size_t head_size;
    size_t rows;
    float scale;
} rs_attention_input;

void rs_attention(rs_pool *pool, const rs_attention_input *input);

#endif

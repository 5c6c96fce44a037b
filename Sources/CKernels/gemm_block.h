/* The product of two packed blocks, for each level: the core of rs_linear and of attention.

   A panel of A holds RS_MR rows side by side, [depth][RS_MR]; a sliver of B holds RS_NR columns,
   [depth][RS_NR]. One step along the depth is then RS_NR/RS_LANES loads and RS_MR broadcasts for
   RS_MR x RS_NR multiplications. Rows and columns that a block does not have are packed as zeros.
   Included after vector.h; no include guard. */

#include "transpose.h"

#define pack_panel RS_LEVEL(pack_panel)
/* Up to RS_MR rows of `x`, times `scale`, into a panel. */
RS_INLINE void pack_panel(const float *x, size_t stride, size_t rows, size_t depth, float scale,
                          float *panel) {
    const float *lines[RS_MR];
    for (size_t r = 0; r < rows; r++) lines[r] = x + r * stride;
    pack_lines(lines, rows, depth, scale, panel);
}

#define pack_transposed_as RS_LEVEL(pack_transposed_as)
RS_INLINE void pack_transposed_as(rs_type type, const void *w, size_t stride, size_t columns,
                                  size_t depth, float *sliver) {
    const char *base = w;
    const size_t row_bytes = stride * rs_size_of(type);
    for (size_t first = 0; first < RS_NR; first += RS_LANES) {
        const size_t here = first < columns ? rs_min(columns - first, RS_LANES) : 0;
        size_t k = 0;
        for (; k + RS_LANES <= depth; k += RS_LANES) {
            vf v[RS_LANES];
            if (here == RS_LANES) {
#pragma clang loop unroll(full)
                for (int i = 0; i < RS_LANES; i++)
                    v[i] = load_as(type, base + (first + (size_t)i) * row_bytes, k);
            } else {
                for (int i = 0; i < RS_LANES; i++)
                    v[i] = (size_t)i < here
                               ? load_as(type, base + (first + (size_t)i) * row_bytes, k)
                               : splat(0);
            }
            transpose(v);
#pragma clang loop unroll(full)
            for (int i = 0; i < RS_LANES; i++) store(sliver + (k + (size_t)i) * RS_NR + first, v[i]);
        }
        for (; k < depth; k++)
            for (size_t i = 0; i < RS_LANES; i++)
                sliver[k * RS_NR + first + i] =
                    i < here ? rs_element(type, base + (first + i) * row_bytes, k) : 0;
    }
}

#define pack_transposed RS_LEVEL(pack_transposed)
/* Up to RS_NR rows of `w`, each `depth` long, into a sliver whose columns they become. */
static void pack_transposed(rs_type type, const void *w, size_t stride, size_t columns,
                            size_t depth, float *sliver) {
    switch (type) {
    case RS_F32:
        pack_transposed_as(RS_F32, w, stride, columns, depth, sliver);
        break;
    case RS_BF16:
        pack_transposed_as(RS_BF16, w, stride, columns, depth, sliver);
        break;
    case RS_F16:
        pack_transposed_as(RS_F16, w, stride, columns, depth, sliver);
        break;
    }
}

#define multiply_block RS_LEVEL(multiply_block)
/* c[RS_MR][RS_NR] (rows `stride` apart) += a b, or = a b. */
RS_INLINE void multiply_block(const float *a, const float *b, size_t depth, vf sum[RS_MR][2]) {
#pragma clang loop unroll(full)
    for (int r = 0; r < RS_MR; r++) sum[r][0] = sum[r][1] = splat(0);
    for (size_t k = 0; k < depth; k++) {
        __builtin_prefetch(a + 32 * RS_MR, 0, 3); /* panels come one after the other */
        const vf b0 = load(b);
        const vf b1 = load(b + RS_LANES);
#pragma clang loop unroll(full)
        for (int r = 0; r < RS_MR; r++) {
            const vf value = splat(a[r]);
            sum[r][0] += value * b0;
            sum[r][1] += value * b1;
        }
        a += RS_MR;
        b += RS_NR;
    }
}

#define multiply_add RS_LEVEL(multiply_add)
/* c[rows][columns] = a b + bias + c, the latter two where asked for. `bias` may be NULL. */
static void multiply_add(const float *a, const float *b, size_t depth, size_t rows, size_t columns,
                         const float *bias, bool adding, float *c, size_t stride) {
    vf sum[RS_MR][2];
    /* What will be added to arrives while the block is multiplied. */
    for (size_t r = 0; r < rows; r++) {
        __builtin_prefetch(c + r * stride, 1);
        __builtin_prefetch(c + r * stride + columns - 1, 1);
    }
    multiply_block(a, b, depth, sum);
    if (rows == RS_MR && columns == RS_NR) {
        const vf bias0 = bias ? load(bias) : splat(0);
        const vf bias1 = bias ? load(bias + RS_LANES) : splat(0);
#pragma clang loop unroll(full)
        for (int r = 0; r < RS_MR; r++) {
            float *row = c + (size_t)r * stride;
            vf y0 = sum[r][0] + bias0, y1 = sum[r][1] + bias1;
            if (adding) y0 += load(row), y1 += load(row + RS_LANES);
            store(row, y0);
            store(row + RS_LANES, y1);
        }
        return;
    }
    float edge[RS_MR][RS_NR];
    memcpy(edge, sum, sizeof edge);
    for (size_t r = 0; r < rows; r++)
        for (size_t n = 0; n < columns; n++) {
            const float value = edge[r][n] + (bias ? bias[n] : 0);
            c[r * stride + n] = adding ? c[r * stride + n] + value : value;
        }
}

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

#define load_quads RS_LEVEL(load_quads)
/* Four words from each of RS_LANES/4 rows, `bytes` apart. */
RS_INLINE vf load_quads(const char *row, size_t bytes) {
    typedef float quad __attribute__((vector_size(16)));
    quad q[RS_LANES / 4];
#pragma clang loop unroll(full)
    for (int i = 0; i < RS_LANES / 4; i++) memcpy(&q[i], row + (size_t)i * bytes, sizeof *q);
#if RS_LANES == 16
    typedef float octet __attribute__((vector_size(32)));
    const octet low = __builtin_shufflevector(q[0], q[1], 0, 1, 2, 3, 4, 5, 6, 7);
    const octet high = __builtin_shufflevector(q[2], q[3], 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#elif RS_LANES == 8
    return __builtin_shufflevector(q[0], q[1], 0, 1, 2, 3, 4, 5, 6, 7);
#else
    return q[0];
#endif
}

#define pack_transposed_as RS_LEVEL(pack_transposed_as)
/* Numbers of 16 bits are turned over two at a time. */
RS_INLINE void pack_transposed_as(rs_type type, const void *w, size_t stride, size_t columns,
                                  size_t depth, float *sliver) {
    const char *base = w;
    const size_t size = rs_size_of(type), row_bytes = stride * size;
    const size_t step = RS_LANES * 4 / size;
    for (size_t first = 0; first < RS_NR; first += RS_LANES) {
        const size_t here = first < columns ? rs_min(columns - first, RS_LANES) : 0;
        const char *rows = base + first * row_bytes;
        size_t k = 0;
        for (; k + step <= depth; k += step) {
            vf v[RS_LANES];
            if (here == RS_LANES) {
#pragma clang loop unroll(full)
                for (int i = 0; i < RS_LANES; i++)
                    v[i] = load_quads(rows + (size_t)(i % 4) * row_bytes + k * size + (i / 4) * 16,
                                      4 * row_bytes);
                transpose_quads(v);
            } else {
                for (int i = 0; i < RS_LANES; i++)
                    if ((size_t)i < here)
                        memcpy(&v[i], rows + (size_t)i * row_bytes + k * size, sizeof v[i]);
                    else
                        v[i] = splat(0);
                transpose(v);
            }
            float *to = sliver + k * RS_NR + first;
#pragma clang loop unroll(full)
            for (int i = 0; i < RS_LANES; i++)
                if (type == RS_F32) {
                    store(to + i * RS_NR, v[i]);
                } else if (type == RS_BF16) {
                    store(to + 2 * i * RS_NR, (vf)((vi)v[i] << 16));
                    store(to + (2 * i + 1) * RS_NR, (vf)((vi)v[i] & (int)0xffff0000));
                } else {
                    const vs low = __builtin_convertvector((vi)v[i], vs);
                    const vs high = __builtin_convertvector((vi)v[i] >> 16, vs);
                    store(to + 2 * i * RS_NR, __builtin_convertvector((vh)low, vf));
                    store(to + (2 * i + 1) * RS_NR, __builtin_convertvector((vh)high, vf));
                }
        }
        for (; k < depth; k++)
            for (size_t i = 0; i < RS_LANES; i++)
                sliver[k * RS_NR + first + i] =
                    i < here ? rs_element(type, rows + i * row_bytes, k) : 0;
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

#define multiply_block_of RS_LEVEL(multiply_block_of)
/* The first `rows`, a constant where it is called, of a panel times a sliver. What is read ahead is
   spread over the steps: all at once it would hold up the panel on its way from the second cache. */
RS_INLINE void multiply_block_of(int rows, const float *a, size_t step, const float *b,
                                 size_t depth, struct rs_ahead ahead, vf sum[RS_MR][2]) {
    vf here[RS_MR][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) here[r][0] = here[r][1] = splat(0);
    for (size_t first = 0; first < depth; first += AHEAD_STEPS) {
        __builtin_prefetch(ahead.at + first * ahead.size, 0, 2);
        const float *end = b + rs_min(AHEAD_STEPS, depth - first) * RS_NR;
        for (; b < end; b += RS_NR) {
            __builtin_prefetch(a + 32 * step, 0, 3); /* panels come one after the other */
            const vf b0 = load(b);
            const vf b1 = load(b + RS_LANES);
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                const vf value = splat(a[r]);
                here[r][0] += value * b0;
                here[r][1] += value * b1;
            }
            a += step;
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        sum[r][0] = here[r][0];
        sum[r][1] = here[r][1];
    }
}

#define multiply_block RS_LEVEL(multiply_block)
/* sum[r][2] = a b for r < rows, rounded up to even; `step` numbers of `a` lie between two steps. */
RS_INLINE void multiply_block(const float *a, size_t step, const float *b, size_t depth,
                              size_t rows, struct rs_ahead ahead, vf sum[RS_MR][2]) {
    switch ((rows + 1) / 2) {
    case 1:
        return multiply_block_of(2, a, step, b, depth, ahead, sum);
    case 2:
        return multiply_block_of(4, a, step, b, depth, ahead, sum);
#if RS_MR > 6
    case 3:
        return multiply_block_of(6, a, step, b, depth, ahead, sum);
#endif
#if RS_MR > 8
    case 4:
        return multiply_block_of(8, a, step, b, depth, ahead, sum);
    case 5:
        return multiply_block_of(10, a, step, b, depth, ahead, sum);
    case 6:
        return multiply_block_of(12, a, step, b, depth, ahead, sum);
#endif
    default:
        return multiply_block_of(RS_MR, a, step, b, depth, ahead, sum);
    }
}

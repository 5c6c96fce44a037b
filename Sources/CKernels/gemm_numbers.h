/* A step of a product is a number of 32 bits. No include guard. */

#undef RS_STEP
#define RS_STEP 1

#include "pack_lines.h"

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

#define splat_step RS_LEVEL(splat_step)
RS_INLINE vf splat_step(const float *a) { return splat(*a); }

#define add_product RS_LEVEL(add_product)
RS_INLINE vf add_product(vf sum, vf a, vf b) {
    sum += a * b;
    return sum;
}

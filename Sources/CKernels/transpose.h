/* Squares of vectors turned over, and rows into panels, for each level. Included after vector.h; no
   include guard. */

#include "panel.h"

#undef RS_TRANSPOSE_STEP
#if RS_LANES == 16
#define RS_LANE_LIST(f, b)                                                                         \
    f(0, b), f(1, b), f(2, b), f(3, b), f(4, b), f(5, b), f(6, b), f(7, b), f(8, b), f(9, b),      \
        f(10, b), f(11, b), f(12, b), f(13, b), f(14, b), f(15, b)
#elif RS_LANES == 8
#define RS_LANE_LIST(f, b)                                                                         \
    f(0, b), f(1, b), f(2, b), f(3, b), f(4, b), f(5, b), f(6, b), f(7, b)
#else
#define RS_LANE_LIST(f, b) f(0, b), f(1, b), f(2, b), f(3, b)
#endif
#undef RS_LOW_LANE
#undef RS_HIGH_LANE
#define RS_LOW_LANE(lane, b) (((lane) & (b)) ? RS_LANES + (lane) - (b) : (lane))
#define RS_HIGH_LANE(lane, b) (((lane) & (b)) ? RS_LANES + (lane) : (lane) + (b))

/* Exchanges the off-diagonal blocks of size `b` of a square of vectors. */
#define RS_TRANSPOSE_STEP(v, b)                                                                    \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < RS_LANES; i++) {                        \
        if (i & (b)) continue;                                                                     \
        const vf low = __builtin_shufflevector(v[i], v[i + (b)], RS_LANE_LIST(RS_LOW_LANE, b));    \
        v[i + (b)] = __builtin_shufflevector(v[i], v[i + (b)], RS_LANE_LIST(RS_HIGH_LANE, b));     \
        v[i] = low;                                                                                \
    }

#define transpose RS_LEVEL(transpose)
RS_INLINE void transpose(vf v[RS_LANES]) {
    RS_TRANSPOSE_STEP(v, 1)
    RS_TRANSPOSE_STEP(v, 2)
#if RS_LANES >= 8
    RS_TRANSPOSE_STEP(v, 4)
#endif
#if RS_LANES >= 16
    RS_TRANSPOSE_STEP(v, 8)
#endif
}
#undef RS_LANE_LIST

#define pack_lines RS_LEVEL(pack_lines)
/* Up to RS_MR rows at `x`, times `scale`, side by side into a panel. */
static void pack_lines(const float *const *x, size_t rows, size_t depth, float scale,
                       float *panel) {
    for (size_t first = 0; first < RS_MR; first += RS_LANES) {
        const size_t width = rs_min(RS_LANES, RS_MR - first);
        size_t k = 0;
        for (; k + RS_LANES <= depth; k += RS_LANES) {
            vf v[RS_LANES];
#pragma clang loop unroll(full)
            for (size_t i = 0; i < RS_LANES; i++)
                v[i] = i < width && first + i < rows
                           ? load(x[first + i] + k) * splat(scale)
                           : splat(0);
            transpose(v);
            float *to = panel + k * RS_MR + first;
            /* What a vector writes too much, the next one replaces. */
#pragma clang loop unroll(full)
            for (size_t i = 0; i + 1 < RS_LANES; i++) store(to + i * RS_MR, v[i]);
            if (k + RS_LANES < depth || width == RS_LANES)
                store(to + (RS_LANES - 1) * RS_MR, v[RS_LANES - 1]);
            else
                memcpy(to + (RS_LANES - 1) * RS_MR, &v[RS_LANES - 1], width * sizeof(float));
        }
        for (; k < depth; k++)
            for (size_t i = first; i < first + width; i++)
                panel[k * RS_MR + i] = i < rows ? x[i][k] * scale : 0;
    }
}

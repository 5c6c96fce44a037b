/* A step of a product is a pair of BF16 numbers, the first in the lower half of a lane, as
   vdpbf16ps multiplies them. For RS_LANES 16. No include guard. */

#undef RS_STEP
#define RS_STEP 2

#include "panel.h"
#include "transpose.h"

/* Columns of a square of pairs, and those of a row that are there: of 32 or fewer. */
enum { SQUARE = 2 * RS_LANES };
RS_INLINE __mmask32 columns_there(size_t count) {
    return count >= SQUARE ? ~(__mmask32)0 : ((__mmask32)1 << count) - 1;
}

#define put_square RS_LEVEL(put_square)
/* Pairs of `rows` rows, the rows side by side, `stride` floats between two pairs. */
RS_INLINE void put_square(vf v[RS_LANES], size_t rows, size_t pairs, size_t stride, float *to) {
    const __mmask16 lanes = (__mmask16)((1u << rows) - 1);
    transpose(v);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < RS_LANES; i++)
        if (i < pairs) _mm512_mask_storeu_ps(to + i * stride, lanes, (__m512)v[i]);
}

#define pack_panel RS_LEVEL(pack_panel)
/* Up to RS_MR rows of `x`, times `scale`, rounded to BF16, into a panel; what is subnormal becomes
   zero. */
static void pack_panel(const float *x, size_t stride, size_t rows, size_t depth, float scale,
                       float *panel) {
    const __m512 factor = _mm512_set1_ps(scale);
    for (size_t k = 0; k < depth; k += SQUARE) {
        const size_t here = rs_min(SQUARE, depth - k);
        const __mmask32 there = columns_there(here);
        vf v[RS_LANES];
        for (size_t i = 0; i < RS_LANES; i++) {
            v[i] = splat(0);
            if (i >= rows) continue;
            const float *from = x + i * stride + k;
            const __m512 low = _mm512_maskz_loadu_ps((__mmask16)there, from);
            const __m512 high = _mm512_maskz_loadu_ps((__mmask16)(there >> 16), from + RS_LANES);
            v[i] = (vf)_mm512_cvtne2ps_pbh(_mm512_mul_ps(high, factor),
                                           _mm512_mul_ps(low, factor));
        }
        put_square(v, RS_MR, (here + 1) / 2, RS_MR, panel + k / 2 * RS_MR);
    }
}

#define pack_transposed RS_LEVEL(pack_transposed)
/* Up to RS_NR rows of `w`, each `depth` long, into a sliver whose columns they become. */
static void pack_transposed(rs_type type, const char *w, size_t stride, size_t columns, size_t depth,
                            float *sliver) {
    (void)type;
    for (size_t first = 0; first < RS_NR; first += RS_LANES)
        for (size_t k = 0; k < depth; k += SQUARE) {
            const size_t here = rs_min(SQUARE, depth - k);
            vf v[RS_LANES];
#pragma clang loop unroll(full)
            for (size_t i = 0; i < RS_LANES; i++)
                v[i] = first + i < columns
                           ? (vf)_mm512_maskz_loadu_epi16(columns_there(here),
                                                          w + ((first + i) * stride + k) * 2)
                           : splat(0);
            put_square(v, RS_LANES, (here + 1) / 2, RS_NR, sliver + k / 2 * RS_NR + first);
        }
}

#define splat_step RS_LEVEL(splat_step)
RS_INLINE vf splat_step(const float *a) {
    int32_t pair;
    memcpy(&pair, a, sizeof pair);
    return (vf)_mm512_set1_epi32(pair);
}

#define add_product RS_LEVEL(add_product)
RS_INLINE vf add_product(vf sum, vf a, vf b) {
    return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
}

/* The product of two packed blocks, for each level: the core of rs_linear and of attention.

   A panel of A holds RS_MR rows side by side, [steps][RS_MR]; a sliver of B holds RS_NR columns,
   [steps][RS_NR]. One step along the depth is then RS_NR/RS_LANES loads and RS_MR broadcasts for
   RS_MR x RS_NR multiplications, of RS_STEP numbers each. Rows and columns that a block does not have
   are packed as zeros. Included after vector.h; no include guard. */

#ifdef RS_PAIRS
#include "gemm_pairs.h"
#else
#include "gemm_numbers.h"
#endif

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
                const vf value = splat_step(a + r);
                here[r][0] = add_product(here[r][0], value, b0);
                here[r][1] = add_product(here[r][1], value, b1);
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

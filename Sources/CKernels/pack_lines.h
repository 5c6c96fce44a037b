/* Rows into panels, for each level. Included after vector.h; no include guard. */

#include "panel.h"
#include "transpose.h"

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

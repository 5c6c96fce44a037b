/* Weights to 32 bits: rows of the embedding table. */

#include "internal.h"

void rs_expand(rs_type type, const void *in, size_t count, float *out) {
    switch (type) {
    case RS_F32:
        memcpy(out, in, count * sizeof(float));
        break;
    case RS_BF16:
        for (size_t i = 0; i < count; i++) out[i] = rs_element(RS_BF16, in, i);
        break;
    case RS_F16:
        for (size_t i = 0; i < count; i++) out[i] = rs_element(RS_F16, in, i);
        break;
    }
}

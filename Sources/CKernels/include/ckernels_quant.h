#ifndef REELSCRIBE_CKERNELS_QUANT_H
#define REELSCRIBE_CKERNELS_QUANT_H

#include <stdint.h>

#include "ckernels_math.h"

/* Weights in groups of RS_QUANT_GROUP along a row, each with a scale of its own, packed as the
   kernels read them: blocks of RS_QUANT_OUTPUTS rows times one group, one after the other along
   the columns, then the next rows. Rows and columns that the matrix does not have are zeros. All
   instruction sets read the same layout, which is little-endian. */
typedef enum {
    /* w = scale q, q in -128 ... 127, of which rs_quant_pack uses -127 ... 127; scale f16. Block: q
       [16 quads][16 rows][4 columns], scales [16], minus the sums of q [16] as 16-bit integers.
       8.5 bits a weight. */
    RS_INT8 = 0,
    /* w = scale q + minimum, q in 0 ... 15; both f16. Block: q [8 pairs of quads][16 rows][4
       columns], the second quad of a pair, 32 columns on, in the high half; scales [16], minima
       [16]. 4.5 bits a weight. */
    RS_INT4 = 1,
} rs_quant;

#define RS_QUANT_GROUP ((size_t)64)
#define RS_QUANT_OUTPUTS ((size_t)16)

/* Bytes of a packed matrix. */
size_t rs_quant_bytes(rs_quant type, size_t outputs, size_t columns);

/* Packs w [outputs, columns] of `from` into `packed`, which may be aligned to 2 only. The result
   does not depend on the level or on the number of threads. */
void rs_quant_pack(rs_pool *pool, rs_quant type, const void *w, rs_type from, size_t outputs,
                   size_t columns, void *packed);

/* Puts one row of a packed matrix in its place: its numbers q, and of each group the scale and, for
   RS_INT4, the minimum, both f16. What is to be padding must be zeros already. */
void rs_quant_place_row(rs_quant type, const int8_t *q, const uint16_t *scales,
                        const uint16_t *minima, size_t columns, size_t row, void *packed);

/* One row of a packed matrix as f32. */
void rs_quant_expand_row(rs_quant type, const void *packed, size_t columns, size_t row, float *out);

/* rs_linear with packed weights and any number of rows, for columns up to RS_LINEAR_MAX_COLUMNS. Rows of x are quantised
   to 8 bits in the same groups; products of a group are summed exactly in integers, groups in
   order in 32-bit floats: every level gives the same bits. */
void rs_quant_linear(rs_pool *pool, const float *x, size_t rows, size_t columns, const void *packed,
                     rs_quant type, size_t outputs, const float *bias, float *y, bool adding);

/* The same on tiles of AMX whose instructions software plays: for tests, on any processor with AVX-512
   VNNI. Returns whether it was done. */
bool rs_quant_linear_on_soft_tiles(rs_pool *pool, const float *x, size_t rows, size_t columns,
                                   const void *packed, rs_quant type, size_t outputs,
                                   const float *bias, float *y, bool adding);

#endif

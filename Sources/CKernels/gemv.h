#ifndef REELSCRIBE_GEMV_H
#define REELSCRIBE_GEMV_H

#include "internal.h"

/* Rows up to which rs_linear reads the weights as they are, once, instead of packing them. */
#define RS_GEMV_ROWS 8

/* rs_linear for at most RS_GEMV_ROWS rows; not at the scalar level. */
void rs_gemv(rs_pool *pool, const float *x, size_t rows, size_t columns, const void *w,
             rs_type type, size_t outputs, const float *bias, float *y, bool adding);

#endif

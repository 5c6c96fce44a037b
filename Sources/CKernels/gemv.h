#ifndef REELSCRIBE_GEMV_H
#define REELSCRIBE_GEMV_H

#include "internal.h"

/* Rows that share one reading of the weights from memory into registers; more read them from the
   cache again. */
#define RS_GEMV_ROWS 8

/* rs_linear for few rows: reads the weights as they are instead of packing them. Not at the scalar
   level. */
void rs_gemv(rs_pool *pool, const float *x, size_t rows, size_t columns, const void *w,
             rs_type type, size_t outputs, const float *bias, float *y, bool adding);

#endif

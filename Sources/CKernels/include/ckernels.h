#ifndef REELSCRIBE_CKERNELS_H
#define REELSCRIBE_CKERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Name of the instruction set level that the kernels run at: "scalar", "avx2", "avx512", "neon". */
const char *rs_level_name(void);

#endif

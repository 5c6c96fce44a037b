#ifndef REELSCRIBE_CKERNELS_H
#define REELSCRIBE_CKERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ckernels_bench.h"
#include "ckernels_cache.h"
#include "ckernels_math.h"
#include "ckernels_pool.h"
#include "ckernels_quant.h"

#endif

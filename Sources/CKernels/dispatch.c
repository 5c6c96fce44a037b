#include "ckernels.h"

const char *rs_level_name(void) { return "scalar"; }

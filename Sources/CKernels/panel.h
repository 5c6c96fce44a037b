/* Rows of a panel and columns of a sliver, for each level: as many sums as the registers hold beside
   what is multiplied. No include guard. */

#undef RS_MR
#if RS_LANES == 16
#define RS_MR 14
#elif RS_LANES == 8
#define RS_MR 6
#else
#define RS_MR 8
#endif
#undef RS_NR
#define RS_NR (2 * RS_LANES)

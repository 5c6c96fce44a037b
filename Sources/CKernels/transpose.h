/* Squares of vectors turned over, for each level. Included after vector.h; no include guard. */

#undef RS_TRANSPOSE_STEP
#if RS_LANES == 16
#define RS_LANE_LIST(f, b)                                                                         \
    f(0, b), f(1, b), f(2, b), f(3, b), f(4, b), f(5, b), f(6, b), f(7, b), f(8, b), f(9, b),      \
        f(10, b), f(11, b), f(12, b), f(13, b), f(14, b), f(15, b)
#elif RS_LANES == 8
#define RS_LANE_LIST(f, b)                                                                         \
    f(0, b), f(1, b), f(2, b), f(3, b), f(4, b), f(5, b), f(6, b), f(7, b)
#else
#define RS_LANE_LIST(f, b) f(0, b), f(1, b), f(2, b), f(3, b)
#endif
#undef RS_LOW_LANE
#undef RS_HIGH_LANE
#define RS_LOW_LANE(lane, b) (((lane) & (b)) ? RS_LANES + (lane) - (b) : (lane))
#define RS_HIGH_LANE(lane, b) (((lane) & (b)) ? RS_LANES + (lane) : (lane) + (b))

/* Exchanges the off-diagonal blocks of size `b` of a square of vectors. */
#define RS_TRANSPOSE_STEP(v, b)                                                                    \
    _Pragma("clang loop unroll(full)") for (int i = 0; i < RS_LANES; i++) {                        \
        if (i & (b)) continue;                                                                     \
        const vf low = __builtin_shufflevector(v[i], v[i + (b)], RS_LANE_LIST(RS_LOW_LANE, b));    \
        v[i + (b)] = __builtin_shufflevector(v[i], v[i + (b)], RS_LANE_LIST(RS_HIGH_LANE, b));     \
        v[i] = low;                                                                                \
    }

#define transpose_quads RS_LEVEL(transpose_quads)
/* The same where the quads of lanes lie right already. */
RS_INLINE void transpose_quads(vf v[RS_LANES]) {
    RS_TRANSPOSE_STEP(v, 1)
    RS_TRANSPOSE_STEP(v, 2)
}

#define transpose RS_LEVEL(transpose)
RS_INLINE void transpose(vf v[RS_LANES]) {
    RS_TRANSPOSE_STEP(v, 1)
    RS_TRANSPOSE_STEP(v, 2)
#if RS_LANES >= 8
    RS_TRANSPOSE_STEP(v, 4)
#endif
#if RS_LANES >= 16
    RS_TRANSPOSE_STEP(v, 8)
#endif
}
#undef RS_LANE_LIST

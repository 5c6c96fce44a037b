/* Vectors of RS_LANES numbers and what all kernels do with them. Included once for each level, so
   it has no include guard. */

#define vf RS_LEVEL(vector_of_float)
#define vi RS_LEVEL(vector_of_int)
#define vs RS_LEVEL(vector_of_short)
#define vh RS_LEVEL(vector_of_half)

typedef float vf __attribute__((vector_size(RS_LANES * 4)));
typedef int32_t vi __attribute__((vector_size(RS_LANES * 4)));
typedef uint16_t vs __attribute__((vector_size(RS_LANES * 2)));
typedef _Float16 vh __attribute__((vector_size(RS_LANES * 2)));

#define RS_INLINE static inline __attribute__((always_inline, unused))

#define load RS_LEVEL(load)
RS_INLINE vf load(const float *from) {
    vf value;
    memcpy(&value, from, sizeof value);
    return value;
}

#define store RS_LEVEL(store)
RS_INLINE void store(float *to, vf value) { memcpy(to, &value, sizeof value); }

#define splat RS_LEVEL(splat)
RS_INLINE vf splat(float value) { return value - (vf){}; }

/* RS_LANES weights from element `index`; `type` is a constant where it is called. */
#define load_as RS_LEVEL(load_as)
RS_INLINE vf load_as(rs_type type, const void *base, size_t index) {
    if (type == RS_F32) {
        vf value;
        memcpy(&value, (const char *)base + index * 4, sizeof value);
        return value;
    }
    if (type == RS_BF16) {
        vs raw;
        memcpy(&raw, (const char *)base + index * 2, sizeof raw);
        return (vf)(__builtin_convertvector(raw, vi) << 16);
    }
    vh raw;
    memcpy(&raw, (const char *)base + index * 2, sizeof raw);
    return __builtin_convertvector(raw, vf);
}

#define sum_of RS_LEVEL(sum_of)
RS_INLINE float sum_of(vf value) {
    float lanes[RS_LANES];
    memcpy(lanes, &value, sizeof value);
    for (size_t width = RS_LANES / 2; width > 0; width /= 2)
        for (size_t i = 0; i < width; i++) lanes[i] += lanes[i + width];
    return lanes[0];
}

/* `yes` where the lane of the condition is set. */
#define choose RS_LEVEL(choose)
RS_INLINE vf choose(vi condition, vf yes, vf no) {
    return (vf)((condition & (vi)yes) | (~condition & (vi)no));
}

/* e to the x within 2 units in the last place; 0 below the subnormals, the largest power above
   the range, NaN for NaN. No branch and no conversion that could overflow. */
#define near_one RS_LEVEL(near_one)
/* e to the x is the result, between the roots of 1/2 and 2, times 2 to the `power`. */
RS_INLINE vf near_one(vf x, vi *power) {
    const float shifter = 0x1.8p23f;
    const vf shifted = x * splat(0x1.715476p0f) + splat(shifter);
    const vf whole = shifted - splat(shifter);
    *power = (vi)shifted - (vi)splat(shifter);
    vf r = x - whole * splat(0x1.62e4p-1f);
    r = r - whole * splat(0x1.7f7d1cp-20f);
    vf p = splat(0x1.a01a02p-13f);
    p = p * r + splat(0x1.6c16c2p-10f);
    p = p * r + splat(0x1.111112p-7f);
    p = p * r + splat(0x1.555556p-5f);
    p = p * r + splat(0x1.555556p-3f);
    p = p * r + splat(0.5f);
    p = p * r + splat(1.0f);
    p = p * r + splat(1.0f);
    return p;
}

#define exponential RS_LEVEL(exponential)
RS_INLINE vf exponential(vf x) {
    x = choose(x > splat(88.72f), splat(88.72f), x);
    x = choose(x < splat(-104.0f), splat(-104.0f), x);
    vi power;
    const vf p = near_one(x, &power);
    /* Two factors, as 2^128 and 2^-150 have no representation. */
    const vi half = power >> 1;
    const vf low = (vf)((half + 127) << 23);
    const vf high = (vf)((power - half + 127) << 23);
    return p * low * high;
}

#define power_below_one RS_LEVEL(power_below_one)
/* e to the x for x <= 0 within 2 units in the last place; 0 below -87, where it is nothing beside a
   sum of at least 1; NaN for NaN. */
RS_INLINE vf power_below_one(vf x) {
    const vi gone = splat(-87.0f) > x;
    vi power;
    const vf p = near_one(x, &power);
    return choose(gone, splat(0), p * (vf)((power + 127) << 23));
}

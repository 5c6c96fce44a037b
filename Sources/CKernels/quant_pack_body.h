/* Included for each level, and once more as the plain version. */

#define pack8 RS_LEVEL(pack8)
static void pack8(const float *w, size_t n, struct block8 *block) {
    float most[PLACES] = {0};
    for (int k = 0; k < GROUP; k += PLACES)
        for (int i = 0; i < PLACES; i++) most[i] = larger(most[i], fabsf(w[k + i]));
    float peak = 0;
    for (int i = 0; i < PLACES; i++) peak = larger(peak, most[i]);
    block->scale[n] = rs_half_of_float(peak / 127);
    const float scale = rs_float_of_half(block->scale[n]);
    const float inverse = scale > 0 ? 1 / scale : 0;
    int8_t q[GROUP];
    int sum = 0;
    for (int k = 0; k < GROUP; k++) {
        q[k] = (int8_t)rounded(clamped(w[k] * inverse, -127, 127));
    }
    for (int k = 0; k < GROUP; k++) sum += q[k];
    block->minus_sum[n] = (int16_t)-sum;
    for (int k = 0; k < QUADS; k++) memcpy(block->q[k][n], q + 4 * k, 4);
}

#define try_steps RS_LEVEL(try_steps)
/* Cuts the range into `steps` steps; the scale and minimum that then fit best, and their error. */
RS_INLINE float try_steps(const float *w, float lowest, float range, float steps, uint16_t *scale,
                          uint16_t *minimum, float q[GROUP]) {
    const float inverse = steps / range;
    float sq[PLACES] = {0}, sqq[PLACES] = {0}, sw[PLACES] = {0}, sqw[PLACES] = {0};
    for (int k = 0; k < GROUP; k += PLACES)
        for (int i = 0; i < PLACES; i++) {
            const float value = w[k + i];
            const float level = rounded(clamped((value - lowest) * inverse, 0, 15));
            q[k + i] = level;
            sq[i] += level;
            sqq[i] += level * level;
            sw[i] += value;
            sqw[i] += level * value;
        }
    const float tq = total(sq), tqq = total(sqq), tw = total(sw), tqw = total(sqw);
    const float determinant = GROUP * tqq - tq * tq;
    float best = range / steps, offset = lowest;
    if (determinant > 0) {
        best = (GROUP * tqw - tq * tw) / determinant;
        offset = (tqq * tw - tq * tqw) / determinant;
    }
    *scale = rs_half_of_float(best);
    *minimum = rs_half_of_float(offset);
    best = rs_float_of_half(*scale);
    offset = rs_float_of_half(*minimum);
    float error[PLACES] = {0};
    for (int k = 0; k < GROUP; k += PLACES)
        for (int i = 0; i < PLACES; i++) {
            const float miss = best * q[k + i] + offset - w[k + i];
            error[i] += miss * miss;
        }
    return total(error);
}

#define pack4 RS_LEVEL(pack4)
static void pack4(const float *w, size_t n, struct block4 *block) {
    float least[PLACES], most[PLACES];
    for (int i = 0; i < PLACES; i++) least[i] = most[i] = w[i];
    for (int k = PLACES; k < GROUP; k += PLACES)
        for (int i = 0; i < PLACES; i++) {
            least[i] = smaller(least[i], w[k + i]);
            most[i] = larger(most[i], w[k + i]);
        }
    float lowest = least[0], highest = most[0];
    for (int i = 1; i < PLACES; i++) {
        lowest = smaller(lowest, least[i]);
        highest = larger(highest, most[i]);
    }
    float q[GROUP] = {0};
    const float range = highest - lowest;
    if (range > 0) {
        /* More steps than 15 give up the outermost numbers for finer steps between the others. */
        static const float steps[] = {15, 14, 14.5f, 15.5f, 16, 17, 18, 19.5f};
        float least_error = INFINITY;
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            float here[GROUP];
            uint16_t scale, minimum;
            const float error = try_steps(w, lowest, range, steps[i], &scale, &minimum, here);
            /* The first is taken whatever its error: it may be no number. */
            if (i == 0 || error < least_error) {
                least_error = error;
                block->scale[n] = scale;
                block->minimum[n] = minimum;
                memcpy(q, here, sizeof q);
            }
        }
    } else {
        block->scale[n] = 0;
        block->minimum[n] = rs_half_of_float(lowest);
    }
    for (int k = 0; k < QUADS / 2; k++)
        for (int i = 0; i < 4; i++)
            block->q[k][n][i] =
                (uint8_t)((int)q[4 * k + i] | (int)q[4 * (k + QUADS / 2) + i] << 4);
}

#define pack_blocks RS_LEVEL(pack_blocks)
static void pack_blocks(void *context, size_t tile, void *scratch) {
    (void)scratch;
    const struct job *job = context;
    const size_t block_bytes = rs_block_bytes(job->type);
    char *to = job->packed + tile * job->groups * block_bytes;
    for (size_t g = 0; g < job->groups; g++) {
        union {
            struct block8 int8;
            struct block4 int4;
        } block;
        memset(&block, 0, sizeof block);
        const size_t depth = rs_min(GROUP, job->columns - g * GROUP);
        for (size_t n = 0; n < rs_min(OUTPUTS, job->outputs - tile * OUTPUTS); n++) {
            const size_t first = (tile * OUTPUTS + n) * job->columns + g * GROUP;
            float w[GROUP];
            for (size_t k = 0; k < depth; k++) w[k] = rs_element(job->from, job->w, first + k);
            /* The last number again: columns that there are not must not widen the range. */
            for (size_t k = depth; k < GROUP; k++) w[k] = job->type == RS_INT8 ? 0 : w[depth - 1];
            if (job->type == RS_INT8)
                pack8(w, n, &block.int8);
            else
                pack4(w, n, &block.int4);
        }
        memcpy(to + g * block_bytes, &block, block_bytes);
    }
}

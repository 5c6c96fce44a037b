/* The product on AVX2. 4-bit weights times 8-bit numbers: pairs of products are summed in 16 bits,
   over half a group, which cannot overflow. 8-bit weights times 8-bit numbers: both sides widened to
   16 bits. 8-bit weights times numbers of at most 64: pairs of products in 16 bits, 128 * 127 * 2 at
   most, their sums in 32. */

enum { WIDE_QUAD = 4 * 32, QUARTER_QUAD = 2 * 32 }; /* unpacked bytes of a quad of a block */

RS_INLINE __m256i half_block_at(const void *from) {
    return _mm256_loadu_si256((const __m256i *)from);
}

/* 8 rows x 4 columns of bytes as 16-bit numbers: columns 0 and 2, then 1 and 3. */
RS_INLINE void widen(__m256i bytes, __m256i wide[2]) {
    wide[0] = _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8);
    wide[1] = _mm256_srai_epi16(bytes, 8);
}

RS_INLINE __m256i quad_of(const char *from) {
    int32_t four;
    memcpy(&four, from, 4);
    return _mm256_set1_epi32(four);
}

/* One group of 8-bit weights. */
RS_INLINE void multiply8(int rows, enum state state, const char *w, const char *quads,
                         __m256i part[PANEL_ROWS][2]) {
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) part[r][0] = part[r][1] = _mm256_setzero_si256();
    for (int k = 0; k < QUADS; k++) {
        if (state == ALONE) ask_ahead(state, w + k * 64);
#pragma clang loop unroll(full)
        for (int two = 0; two < 2; two++) {
            __m256i pair[2];
#pragma clang loop unroll(full)
            for (int half = 0; half < 2; half++) {
                if (state == UNPACKED) {
                    pair[half] = half_block_at(w + k * WIDE_QUAD + (two * 2 + half) * 32);
                } else {
                    __m256i both[2];
                    widen(half_block_at(w + k * 64 + half * 32), both);
                    pair[half] = both[two];
                }
            }
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                const __m256i x = quad_of(quads + (k * PANEL_ROWS + r) * 8 + two * 4);
#pragma clang loop unroll(full)
                for (int half = 0; half < 2; half++)
                    part[r][half] = _mm256_add_epi32(part[r][half],
                                                     _mm256_madd_epi16(pair[half], x));
            }
        }
    }
}

/* The same where the numbers are at most 64, and 64 higher. */
RS_INLINE void multiply8_halved(int rows, enum state state, const char *w, const char *quads,
                                __m256i part[PANEL_ROWS][2]) {
    __m256i ones = _mm256_set1_epi16(1);
    __asm__("" : "+x"(ones)); /* stays in a register */
#pragma clang loop unroll(full)
    for (int half = 0; half < 2; half++) {
        const void *minus = w + offsetof(struct block8, minus_sum) + half * 16;
        const __m256i start =
            _mm256_slli_epi32(_mm256_cvtepi16_epi32(_mm_loadu_si128(minus)), 6);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) part[r][half] = start;
    }
    for (int k = 0; k < QUADS; k++) {
        ask_ahead(state, w + k * 64);
        const __m256i weights[2] = {half_block_at(w + k * 64), half_block_at(w + k * 64 + 32)};
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            const __m256i x = quad_of(quads + (k * PANEL_ROWS + r) * 4);
#pragma clang loop unroll(full)
            for (int half = 0; half < 2; half++)
                part[r][half] = _mm256_add_epi32(
                    part[r][half],
                    _mm256_madd_epi16(_mm256_maddubs_epi16(x, weights[half]), ones));
        }
    }
}

/* One group of 4-bit weights. */
RS_INLINE void multiply4(int rows, enum state state, const char *w, const char *quads,
                         __m256i part[PANEL_ROWS][2]) {
    const __m256i low = _mm256_set1_epi8(15), ones = _mm256_set1_epi16(1);
#pragma clang loop unroll(full)
    for (int halfway = 0; halfway < 2; halfway++) {
        __m256i sums[PANEL_ROWS][2];
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) sums[r][0] = sums[r][1] = _mm256_setzero_si256();
        for (int k = 0; k < QUADS / 2; k++) {
            if (state == ALONE && halfway == 0) ask_ahead(state, w + k * 64);
            __m256i four[2];
#pragma clang loop unroll(full)
            for (int half = 0; half < 2; half++) {
                if (state == UNPACKED) {
                    four[half] = half_block_at(
                        w + (k + halfway * QUADS / 2) * QUARTER_QUAD + half * 32);
                } else {
                    const __m256i both = half_block_at(w + k * 64 + half * 32);
                    four[half] = _mm256_and_si256(
                        halfway ? _mm256_srli_epi16(both, 4) : both, low);
                }
            }
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                const __m256i x = quad_of(quads + ((k + halfway * QUADS / 2) * PANEL_ROWS + r) * 4);
#pragma clang loop unroll(full)
                for (int half = 0; half < 2; half++)
                    sums[r][half] = _mm256_add_epi16(sums[r][half],
                                                     _mm256_maddubs_epi16(four[half], x));
            }
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int half = 0; half < 2; half++) {
                const __m256i sum = _mm256_madd_epi16(sums[r][half], ones);
                part[r][half] = halfway ? _mm256_add_epi32(part[r][half], sum) : sum;
            }
    }
}

/* The weights for which rows lie so. */
RS_INLINE rs_quant weights_of(enum quads layout) {
    return layout == SIGNED ? RS_INT4 : RS_INT8;
}

/* `rows` rows of panel p times a block of outputs; how they lie, their count and whether the
   weights are unpacked are constants where it is called. `to`: rows of OUTPUTS sums, before and after. */
RS_INLINE void multiply_stretch(const struct job *job, enum quads layout, int rows, enum state state,
                                size_t first, size_t count, const char *ready, size_t p,
                                size_t block, float to[PANEL_ROWS][OUTPUTS]) {
    const char *at = block_at(job, block, first);
    const rs_quant type = weights_of(layout);
    const size_t where = p * job->groups + first;
    const char *quads = job->quads + where * group_bytes(layout);
    const float *scales = job->scales + where * PANEL_ROWS;
    const float *sums = job->sums + where * PANEL_ROWS;
    for (size_t g = 0; g < count; g++) {
        __m256i part[PANEL_ROWS][2];
        if (layout == HALVED)
            multiply8_halved(rows, state, at, quads, part);
        else if (layout == WIDE)
            multiply8(rows, state, state == UNPACKED ? ready : at, quads, part);
        else
            multiply4(rows, state, state == UNPACKED ? ready : at, quads, part);
        const char *factors = at + (type == RS_INT8 ? INT8_BYTES : INT4_BYTES);
#pragma clang loop unroll(full)
        for (int half = 0; half < 2; half++) {
            const __m256 scale =
                _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(factors + half * 16)));
            const __m256 minimum = type == RS_INT4
                                       ? _mm256_cvtph_ps(_mm_loadu_si128(
                                             (const __m128i *)(factors + 32 + half * 16)))
                                       : _mm256_setzero_ps();
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                const __m256 both = _mm256_mul_ps(scale, _mm256_set1_ps(scales[r]));
                __m256 sum = _mm256_loadu_ps(to[r] + half * 8);
                sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(part[r][half]), both, sum);
                if (type == RS_INT4)
                    sum = _mm256_fmadd_ps(minimum, _mm256_set1_ps(sums[r]), sum);
                _mm256_storeu_ps(to[r] + half * 8, sum);
            }
        }
        at += rs_block_bytes(type);
        if (state == UNPACKED) ready += QUADS * (layout == WIDE ? WIDE_QUAD : QUARTER_QUAD);
        quads += group_bytes(layout);
        scales += PANEL_ROWS;
        sums += PANEL_ROWS;
    }
}

/* What the sums of a row begin with, at a whole block. */
RS_INLINE void take_row(const struct job *job, bool first, size_t row, size_t n0, float to[OUTPUTS]) {
#pragma clang loop unroll(full)
    for (int half = 0; half < 2; half++) {
        const size_t n = n0 + (size_t)half * 8;
        const float *y = job->y + row * job->outputs + n;
        __m256 sum = !first || job->adding ? _mm256_loadu_ps(y) : _mm256_setzero_ps();
        if (first && job->bias) sum = _mm256_add_ps(sum, _mm256_loadu_ps(job->bias + n));
        _mm256_storeu_ps(to + half * 8, sum);
    }
}

/* The sums of a block begin with what they are added to. */
RS_INLINE void take_block(const struct job *job, int rows, bool first, size_t p, size_t block,
                          float sums[PANEL_ROWS][OUTPUTS]) {
    const size_t n0 = block * OUTPUTS, outputs = rs_min(OUTPUTS, job->outputs - n0);
    for (int r = 0; r < rows; r++) {
        const size_t row = p * PANEL_ROWS + (size_t)r;
        if (outputs == OUTPUTS) {
            take_row(job, first, row, n0, sums[r]);
            continue;
        }
        for (size_t n = 0; n < OUTPUTS; n++)
            sums[r][n] = n >= outputs ? 0
                         : first      ? first_of(job, row, n0 + n)
                                      : job->y[row * job->outputs + n0 + n];
    }
}

RS_INLINE void put_block(const struct job *job, int rows, size_t p, size_t block,
                         float sums[PANEL_ROWS][OUTPUTS]) {
    const size_t n0 = block * OUTPUTS, outputs = rs_min(OUTPUTS, job->outputs - n0);
    for (int r = 0; r < rows; r++) {
        float *y = job->y + (p * PANEL_ROWS + (size_t)r) * job->outputs + n0;
        if (outputs == OUTPUTS) memcpy(y, sums[r], sizeof sums[r]);
        else memcpy(y, sums[r], outputs * sizeof *y);
    }
}

/* Of a panel that is alone, two blocks go on side by side: memory answers two streams sooner than
   one. */
RS_INLINE void multiply_rows_avx2(const struct job *job, enum quads layout, int rows,
                                  enum state state, int blocks, size_t first, size_t count,
                                  const char *ready, size_t p, size_t block) {
    float sums[2][PANEL_ROWS][OUTPUTS];
    for (int b = 0; b < blocks; b++)
        take_block(job, rows, first == 0, p, block + (size_t)b, sums[b]);
    if (blocks == 1)
        multiply_stretch(job, layout, rows, state, first, count, ready, p, block, sums[0]);
    else
        for (size_t g = first; g < first + count; g++)
            for (int b = 0; b < blocks; b++)
                multiply_stretch(job, layout, rows, state, g, 1, ready, p, block + (size_t)b,
                                 sums[b]);
    for (int b = 0; b < blocks; b++) put_block(job, rows, p, block + (size_t)b, sums[b]);
}

RS_INLINE void multiply_any_rows(const struct job *job, enum quads layout, enum state state,
                                 int blocks, size_t first, size_t count, const char *ready,
                                 size_t p, size_t block) {
    switch (job->rows - p * PANEL_ROWS) {
    case 1:
        return multiply_rows_avx2(job, layout, 1, state, blocks, first, count, ready, p,
                                  block);
    case 2:
        return multiply_rows_avx2(job, layout, 2, state, blocks, first, count, ready, p,
                                  block);
    case 3:
        return multiply_rows_avx2(job, layout, 3, state, blocks, first, count, ready, p,
                                  block);
    case 4:
        return multiply_rows_avx2(job, layout, 4, state, blocks, first, count, ready, p,
                                  block);
    case 5:
        return multiply_rows_avx2(job, layout, 5, state, blocks, first, count, ready, p,
                                  block);
    default:
        return multiply_rows_avx2(job, layout, 6, state, blocks, first, count, ready, p,
                                  block);
    }
}

RS_INLINE void unpack_avx2(const struct job *job, rs_quant type, size_t first, size_t count,
                           size_t block, char *to) {
    const __m256i low = _mm256_set1_epi8(15);
    for (size_t g = 0; g < count; g++) {
        const char *from = block_at(job, block, first + g);
        if (type == RS_INT8) {
            for (int k = 0; k < QUADS; k++, to += WIDE_QUAD)
                for (int half = 0; half < 2; half++) {
                    __m256i wide[2];
                    widen(half_block_at(from + k * 64 + half * 32), wide);
                    for (int two = 0; two < 2; two++)
                        _mm256_storeu_si256((__m256i *)(to + (two * 2 + half) * 32), wide[two]);
                }
        } else {
            for (int k = 0; k < QUADS / 2; k++)
                for (int half = 0; half < 2; half++) {
                    const __m256i both = half_block_at(from + k * 64 + half * 32);
                    _mm256_storeu_si256((__m256i *)(to + k * QUARTER_QUAD + half * 32),
                                        _mm256_and_si256(both, low));
                    _mm256_storeu_si256(
                        (__m256i *)(to + (k + QUADS / 2) * QUARTER_QUAD + half * 32),
                        _mm256_and_si256(_mm256_srli_epi16(both, 4), low));
                }
            to += QUADS * QUARTER_QUAD;
        }
    }
}

RS_INLINE void multiply_block_avx2(const struct job *job, enum quads layout, size_t block,
                                   void *scratch) {
    const enum state state = layout == HALVED ? SHARED : UNPACKED;
    for (size_t g = 0; g < job->groups; g += DEPTH_GROUPS) {
        const size_t count = rs_min(DEPTH_GROUPS, job->groups - g);
        if (state == UNPACKED) unpack_avx2(job, weights_of(layout), g, count, block, scratch);
        for (size_t p = 0; p < job->panels; p++)
            multiply_any_rows(job, layout, state, 1, g, count, scratch, p, block);
    }
}

RS_INLINE void multiply_tile_avx2(const struct job *job, enum quads layout, size_t tile,
                                  void *scratch) {
    const size_t end =
        rs_min((tile + 1) * job->tile_blocks, rs_blocks(job->outputs, OUTPUTS));
    size_t block = tile * job->tile_blocks;
    if (job->panels > 1) {
        for (; block < end; block++) multiply_block_avx2(job, layout, block, scratch);
        return;
    }
    for (; block + 2 <= end; block += 2)
        multiply_any_rows(job, layout, ALONE, 2, 0, job->groups, NULL, 0, block);
    if (block < end) multiply_any_rows(job, layout, ALONE, 1, 0, job->groups, NULL, 0, block);
}

static void quant_tile_avx2(void *context, size_t tile, void *scratch) {
    const struct job *job = context;
    if (job->layout == HALVED) multiply_tile_avx2(job, HALVED, tile, scratch);
    else if (job->layout == WIDE) multiply_tile_avx2(job, WIDE, tile, scratch);
    else multiply_tile_avx2(job, SIGNED, tile, scratch);
}

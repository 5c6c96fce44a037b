/* The product on AVX-512 with VNNI: four 8-bit products a 32-bit lane and instruction. */

/* Where the weights of a stretch of groups come from: the packed blocks, or unpacked bytes. */
enum {
    WIDTH = 2,      /* blocks of outputs side by side */
    FEW_PANELS = 3, /* for which unpacking 4-bit weights does not pay */
};

struct stretch {
    size_t first, count;     /* groups */
    const uint8_t *unpacked; /* [groups][QUADS][WIDTH][64], NULL: as packed */
};

RS_INLINE __m512i bytes_at(const void *from) { return _mm512_loadu_si512(from); }

RS_INLINE __m512 halves_at(const void *from) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(from));
}

/* The lanes of a block that have an output. */
RS_INLINE __mmask16 lanes_of(const struct job *job, size_t block) {
    const size_t left = job->outputs - block * OUTPUTS;
    return left >= OUTPUTS ? 0xffff : (__mmask16)((1u << left) - 1);
}

/* `rows` rows of panel p times `blocks` blocks of outputs from `block`; type, rows, blocks and the
   state of the weights are constants where it is called. */
RS_INLINE void multiply_panel(const struct job *job, rs_quant type, int rows, int blocks,
                              enum state state, struct stretch stretch, size_t p, size_t block) {
    const size_t row0 = p * PANEL_ROWS, n0 = block * OUTPUTS;
    __mmask16 mask[WIDTH];
    __m512 sum[PANEL_ROWS][WIDTH];
    for (int b = 0; b < blocks; b++) {
        mask[b] = lanes_of(job, block + (size_t)b);
        const __m512 bias = stretch.first == 0 && job->bias
                                ? _mm512_maskz_loadu_ps(mask[b], job->bias + n0 + b * OUTPUTS)
                                : _mm512_setzero_ps();
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            sum[r][b] = bias;
            if (stretch.first > 0 || job->adding)
                sum[r][b] += _mm512_maskz_loadu_ps(
                    mask[b], job->y + (row0 + (size_t)r) * job->outputs + n0 + b * OUTPUTS);
        }
    }
    const char *at[WIDTH];
    for (int b = 0; b < blocks; b++) at[b] = block_at(job, block + (size_t)b, stretch.first);
    const size_t where = p * job->groups + stretch.first;
    const char *quads = job->quads + where * group_bytes(SIGNED);
    const float *scales = job->scales + where * PANEL_ROWS;
    const float *sums = job->sums + where * PANEL_ROWS;
    const uint8_t *ready = stretch.unpacked;
    for (size_t g = 0; g < stretch.count; g++) {
        __m512i part[PANEL_ROWS][WIDTH];
#pragma clang loop unroll(full)
        for (int b = 0; b < blocks; b++) {
            __m512i start = _mm512_setzero_si512();
            if (type == RS_INT8) {
                /* The rows are 128 too high. */
                const void *minus = at[b] + offsetof(struct block8, minus_sum);
                start = _mm512_slli_epi32(_mm512_cvtepi16_epi32(_mm256_loadu_si256(minus)), 7);
            }
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) part[r][b] = start;
        }
        if (type == RS_INT8 || state == UNPACKED) {
#pragma clang loop unroll_count(2)
            for (int k = 0; k < QUADS; k++) {
                __m512i w[WIDTH];
#pragma clang loop unroll(full)
                for (int b = 0; b < blocks; b++) {
                    if (type == RS_INT8) ask_ahead(state, at[b] + k * 64);
                    w[b] = type == RS_INT8 ? bytes_at(at[b] + k * 64)
                                           : bytes_at(ready + (k * WIDTH + b) * 64);
                }
#pragma clang loop unroll(full)
                for (int r = 0; r < rows; r++) {
                    int32_t four;
                    memcpy(&four, quads + (k * PANEL_ROWS + r) * 4, 4);
                    const __m512i x = _mm512_set1_epi32(four);
#pragma clang loop unroll(full)
                    for (int b = 0; b < blocks; b++)
                        part[r][b] = type == RS_INT8 ? _mm512_dpbusd_epi32(part[r][b], x, w[b])
                                                     : _mm512_dpbusd_epi32(part[r][b], w[b], x);
                }
            }
            if (type == RS_INT4) ready += QUADS * WIDTH * 64;
        } else {
            const __m512i low = _mm512_set1_epi8(15);
            for (int k = 0; k < QUADS / 2; k++) {
                __m512i w[2][WIDTH];
#pragma clang loop unroll(full)
                for (int b = 0; b < blocks; b++) {
                    ask_ahead(state, at[b] + k * 64);
                    const __m512i both = bytes_at(at[b] + k * 64);
                    w[0][b] = _mm512_and_si512(both, low);
                    w[1][b] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
                }
#pragma clang loop unroll(full)
                for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
                    for (int half = 0; half < 2; half++) {
                        int32_t four;
                        memcpy(&four, quads + ((k + half * QUADS / 2) * PANEL_ROWS + r) * 4, 4);
                        const __m512i x = _mm512_set1_epi32(four);
#pragma clang loop unroll(full)
                        for (int b = 0; b < blocks; b++)
                            part[r][b] = _mm512_dpbusd_epi32(part[r][b], w[half][b], x);
                    }
            }
        }
#pragma clang loop unroll(full)
        for (int b = 0; b < blocks; b++) {
            const char *factors = at[b] + (type == RS_INT8 ? INT8_BYTES : INT4_BYTES);
            const __m512 scale = halves_at(factors);
            const __m512 minimum =
                type == RS_INT4 ? halves_at(factors + 2 * OUTPUTS) : _mm512_setzero_ps();
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                const __m512 both = _mm512_mul_ps(scale, _mm512_set1_ps(scales[r]));
                sum[r][b] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(part[r][b]), both, sum[r][b]);
                if (type == RS_INT4)
                    sum[r][b] = _mm512_fmadd_ps(minimum, _mm512_set1_ps(sums[r]), sum[r][b]);
            }
            at[b] += rs_block_bytes(type);
        }
        quads += group_bytes(SIGNED);
        scales += PANEL_ROWS;
        sums += PANEL_ROWS;
    }
    for (int b = 0; b < blocks; b++)
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
            _mm512_mask_storeu_ps(
                job->y + (row0 + (size_t)r) * job->outputs + n0 + b * OUTPUTS, mask[b], sum[r][b]);
}

RS_INLINE void multiply_rows(const struct job *job, rs_quant type, int blocks, enum state state,
                             struct stretch stretch, size_t p, size_t block) {
    switch (job->rows - p * PANEL_ROWS) {
    case 1:
        return multiply_panel(job, type, 1, blocks, state, stretch, p, block);
    case 2:
        return multiply_panel(job, type, 2, blocks, state, stretch, p, block);
    case 3:
        return multiply_panel(job, type, 3, blocks, state, stretch, p, block);
    case 4:
        return multiply_panel(job, type, 4, blocks, state, stretch, p, block);
    case 5:
        return multiply_panel(job, type, 5, blocks, state, stretch, p, block);
    default:
        return multiply_panel(job, type, 6, blocks, state, stretch, p, block);
    }
}

static void unpack_vnni(const struct job *job, struct stretch stretch, size_t block, int blocks,
                        uint8_t *to) {
    const __m512i low = _mm512_set1_epi8(15);
    for (size_t g = 0; g < stretch.count; g++, to += QUADS * WIDTH * 64)
        for (int b = 0; b < blocks; b++) {
            const char *from = block_at(job, block + (size_t)b, stretch.first + g);
            for (int k = 0; k < QUADS / 2; k++) {
                ask_ahead(UNPACKED, from + k * 64);
                const __m512i both = bytes_at(from + k * 64);
                _mm512_storeu_si512(to + (k * WIDTH + b) * 64, _mm512_and_si512(both, low));
                _mm512_storeu_si512(to + ((k + QUADS / 2) * WIDTH + b) * 64,
                                    _mm512_and_si512(_mm512_srli_epi16(both, 4), low));
            }
        }
}

RS_INLINE void multiply_blocks(const struct job *job, rs_quant type, int blocks, size_t block,
                               void *scratch) {
    if (job->panels == 1) {
        const struct stretch all = {.first = 0, .count = job->groups};
        multiply_rows(job, type, blocks, ALONE, all, 0, block);
        return;
    }
    for (size_t g = 0; g < job->groups; g += DEPTH_GROUPS) {
        struct stretch stretch = {.first = g, .count = rs_min(DEPTH_GROUPS, job->groups - g)};
        if (job->panels <= FEW_PANELS) {
            for (size_t p = 0; p < job->panels; p++)
                multiply_rows(job, type, blocks, SHARED, stretch, p, block);
            continue;
        }
        if (type == RS_INT4) {
            unpack_vnni(job, stretch, block, blocks, scratch);
            stretch.unpacked = scratch;
        }
        for (size_t p = 0; p < job->panels; p++)
            multiply_rows(job, type, blocks, UNPACKED, stretch, p, block);
    }
}

static void quant_tile_vnni(void *context, size_t tile, void *scratch) {
    const struct job *job = context;
    const size_t end =
        rs_min((tile + 1) * job->tile_blocks, rs_blocks(job->outputs, OUTPUTS));
    for (size_t block = tile * job->tile_blocks; block < end; block += WIDTH) {
        const bool pair = end - block >= WIDTH;
        if (job->type == RS_INT8) {
            if (pair) multiply_blocks(job, RS_INT8, WIDTH, block, scratch);
            else multiply_blocks(job, RS_INT8, 1, block, scratch);
        } else {
            if (pair) multiply_blocks(job, RS_INT4, WIDTH, block, scratch);
            else multiply_blocks(job, RS_INT4, 1, block, scratch);
        }
    }
}

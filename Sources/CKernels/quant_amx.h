/* The product on tiles: a group of a block of weights, 16 quads of 16 outputs, is a tile as it lies in
   the packed matrix, and 16 rows of one group of x are another. Products of a group are exact, and
   sums take the steps of the plain version. Included once for the processor's tiles and once for
   those of software; no include guard. */

#define multiply_tiles RS_TILES(multiply_tiles)
/* Up to two panels of 16 rows from `p` times up to two blocks of outputs from `block`. */
RS_INLINE void multiply_tiles(const struct job *job, int panels, int blocks,
                              struct stretch stretch, size_t p, size_t block,
                              struct tile_sums *sums) {
    RS_TILES_BEGIN
    const char *x = job->quads + (p * job->groups + stretch.first) * PANEL_BYTES;
    const size_t next_panel = job->groups * PANEL_BYTES;
    const float *scales = job->scales + (p * job->groups + stretch.first) * TILE_ROWS;
    const float *row_sums = job->sums + (p * job->groups + stretch.first) * TILE_ROWS;
    for (size_t g = 0; g < stretch.count; g++) {
        const char *w[WIDTH];
        for (int b = 0; b < blocks; b++) w[b] = block_at(job, block + (size_t)b, stretch.first + g);
        const char *ready = (const char *)stretch.unpacked + g * QUADS * WIDTH * 64;
        if (job->type == RS_INT8) {
            RS_TILE_LOAD(6, w[0], 64);
            if (blocks == 2) RS_TILE_LOAD(7, w[1], 64);
        } else {
            RS_TILE_LOAD(6, ready, WIDTH * 64);
            if (blocks == 2) RS_TILE_LOAD(7, ready + 64, WIDTH * 64);
        }
        RS_TILE_LOAD(4, x, TILE_BYTES);
        RS_TILE_ZERO(0);
        RS_TILE_MULTIPLY(0, 4, 6);
        RS_TILE_STORE(0, sums->part[0][0], TILE_BYTES);
        if (blocks == 2) {
            RS_TILE_ZERO(1);
            RS_TILE_MULTIPLY(1, 4, 7);
            RS_TILE_STORE(1, sums->part[0][1], TILE_BYTES);
        }
        if (panels == 2) {
            RS_TILE_LOAD(5, x + next_panel, TILE_BYTES);
            RS_TILE_ZERO(2);
            RS_TILE_MULTIPLY(2, 5, 6);
            RS_TILE_STORE(2, sums->part[1][0], TILE_BYTES);
            if (blocks == 2) {
                RS_TILE_ZERO(3);
                RS_TILE_MULTIPLY(3, 5, 7);
                RS_TILE_STORE(3, sums->part[1][1], TILE_BYTES);
            }
        }
        for (int b = 0; b < blocks; b++)
            for (int two = 0; two < panels; two++)
                add_group(job, w[b], scales + (size_t)two * job->groups * TILE_ROWS,
                          row_sums + (size_t)two * job->groups * TILE_ROWS, sums->part[two][b],
                          sums->sum[two][b]);
        x += PANEL_BYTES;
        scales += TILE_ROWS;
        row_sums += TILE_ROWS;
    }
    RS_TILES_END
}

#define quant_tile RS_TILES(quant_tile)
static void quant_tile(void *context, size_t tile, void *scratch) {
    const struct job *job = context;
    const size_t end = rs_min((tile + 1) * job->tile_blocks, rs_blocks(job->outputs, OUTPUTS));
    struct tile_sums *sums = scratch;
    uint8_t *unpacked = (uint8_t *)(sums + 1);
    for (size_t block = tile * job->tile_blocks; block < end; block += WIDTH) {
        const int blocks = end - block >= WIDTH ? WIDTH : 1;
        for (size_t g = 0; g < job->groups; g += DEPTH_GROUPS) {
            const struct stretch stretch = {.first = g,
                                            .count = rs_min(DEPTH_GROUPS, job->groups - g),
                                            .unpacked = unpacked};
            if (job->type == RS_INT4) unpack_vnni(job, stretch, block, blocks, unpacked);
            for (size_t p = 0; p < job->panels; p += 2) {
                const int panels = job->panels - p >= 2 ? 2 : 1;
                take_sums(job, g == 0, p, panels, block, blocks, sums);
                multiply_tiles(job, panels, blocks, stretch, p, block, sums);
                put_sums(job, p, panels, block, blocks, sums);
            }
        }
    }
}

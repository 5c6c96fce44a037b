#define share_stretch RS_LEVEL(share_stretch)
/* Powers of one stretch, for the query heads of one key head. */
static void share_stretch(void *context, size_t tile, void *scratch) {
    const struct shares_job *job = context;
    const rs_kv_shares_input *in = job->input;
    const size_t d = in->layout.head_size, kv = tile % in->layout.heads;
    const size_t stretch = job->round_first + tile / in->layout.heads;
    const size_t keys = rs_min(KEYS, in->sequence.length - stretch * KEYS);
    const struct desk desk = desk_on(scratch, d, COLUMNS);
    for (size_t first = 0; first < job->group; first += ROWS) {
        const size_t rows = rs_min(ROWS, job->group - first);
        const float *queries[ROWS];
        for (size_t i = 0; i < rows; i++)
            queries[i] = in->q + (kv * job->group + first + i) * d;
        pack_rows(queries, rows, d, in->scale, desk.q);
        score_stretch(&in->layout, &in->sequence, kv, stretch, keys, rows, desk);
        for (size_t i = 0; i < rows; i++) {
            float *part = share_part(job, kv * job->group + first + i, stretch);
            soften(desk.scores + i * KEYS, keys, &part[KEYS], &part[KEYS + 1]);
            memcpy(part, desk.scores + i * KEYS, KEYS * sizeof(float));
        }
    }
}

#ifndef REELSCRIBE_CKERNELS_RESIZE_H
#define REELSCRIBE_CKERNELS_RESIZE_H

#include <stddef.h>
#include <stdint.h>

/* Antialiased resampling of 8-bit RGB pictures in 32-bit floats, and patch rows made of the result.
 *
 * Every level gives the same bits: each output sample is summed over its taps in one fixed order (first tap: product;
 * then groups of four taps, each product rounded before it is added; the one to three taps that fill no group: fused
 * multiply-add), width before height. Nothing here allocates, keeps state or reads outside the stated sizes. */

/* Instruction set levels, in ascending order. Scalar is the oracle of the others. */
typedef enum {
    RS_RESIZE_SCALAR = 0,
    RS_RESIZE_AVX2 = 1,
    RS_RESIZE_AVX512 = 2,
} rs_resize_isa;

/* The input samples that one output sample is a sum of. */
typedef struct {
    int32_t first;
    int32_t count; /* at least 1 */
} rs_resize_window;

/* One axis. With input == output the axis is left alone, and windows and weights are not read. */
typedef struct {
    size_t input;
    size_t output;
    size_t stride;                   /* weights kept per output sample, at least its count */
    const rs_resize_window *windows; /* [output], first and first + count never descending, within input */
    const float *weights;            /* [output, stride] */
} rs_resize_axis;

/* Where a resized frame goes: normalised patch rows in merge-block order.
 * Row (bh, bw, i, j), column (channel, frame, y, x): i and j are the place of a patch in its merge block. */
typedef struct {
    size_t patch;      /* side of a patch */
    size_t merge;      /* patches per side of a merge block; patch * merge divides both sides of the output */
    size_t frames;     /* frames in a patch */
    size_t frame;      /* which of them this is */
    float offset[3];   /* red, green, blue: value = (level - offset) / divisor */
    float divisor[3];
    float *rows;       /* [patches, 3 * frames * patch * patch] */
} rs_patch_target;

/* Whether this processor runs the level. */
int rs_resize_supported(rs_resize_isa isa);

/* The highest level that this processor runs and the environment variable REELSCRIBE_ISA (scalar, avx2, avx512)
 * does not forbid. */
rs_resize_isa rs_resize_best(void);

/* Floats of scratch that one call needs. */
size_t rs_resize_scratch(const rs_resize_axis *x, const rs_resize_axis *y);

/* rgb [y->input, x->input, 3] to planes [3, y->output, x->output]: neither clamped nor rounded.
 * The pointers must not overlap. */
void rs_resize_planes(rs_resize_isa isa, const uint8_t *rgb, const rs_resize_axis *x, const rs_resize_axis *y,
                      float *scratch, float *planes);

/* The same, clamped to 0...255, rounded half to even, normalised, and written as one frame of the patch rows. */
void rs_resize_patches(rs_resize_isa isa, const uint8_t *rgb, const rs_resize_axis *x, const rs_resize_axis *y,
                       float *scratch, const rs_patch_target *target);

#endif

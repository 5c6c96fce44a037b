// What Swift cannot import from FFmpeg (macros, variadic callbacks), and every difference between
// the versions of FFmpeg that we build against (5.1, 6, 7). Nothing else belongs here.

#ifndef REELSCRIBE_CFFMPEG_SHIM_H
#define REELSCRIBE_CFFMPEG_SHIM_H

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/display.h>
#include <libavutil/error.h>
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libavutil/sha.h>
#include <libswscale/swscale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MARK: Constants hidden in macros

static const int rs_error_end_of_file = AVERROR_EOF;
static const int rs_error_again = AVERROR(EAGAIN);
static const int rs_error_exit = AVERROR_EXIT;
static const int rs_error_timed_out = AVERROR(ETIMEDOUT);
static const int rs_error_io = AVERROR(EIO);
static const int rs_error_no_memory = AVERROR(ENOMEM);
static const int rs_error_not_supported = AVERROR(ENOSYS);
static const int rs_error_invalid_data = AVERROR_INVALIDDATA;
static const int rs_error_demuxer_not_found = AVERROR_DEMUXER_NOT_FOUND;
static const int rs_error_http_not_found = AVERROR_HTTP_NOT_FOUND;
static const int rs_error_http_unauthorized = AVERROR_HTTP_UNAUTHORIZED;
static const int rs_error_http_forbidden = AVERROR_HTTP_FORBIDDEN;
static const int rs_error_http_bad_request = AVERROR_HTTP_BAD_REQUEST;
static const int rs_error_http_other_4xx = AVERROR_HTTP_OTHER_4XX;
static const int64_t rs_no_timestamp = AV_NOPTS_VALUE;

static inline int rs_error_from_errno(int number) { return AVERROR(number); }

// MARK: Version differences

/// Ticks that a frame is to be shown, 0 where unknown.
static inline int64_t rs_frame_duration(const AVFrame *frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    return frame->duration;
#else
    return frame->pkt_duration;
#endif
}

static inline const uint8_t *rs_stream_side_data(
    const AVStream *stream, enum AVPacketSideDataType type, size_t *size) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    const AVPacketSideData *found = av_packet_side_data_get(
        stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, type);
    *size = found ? found->size : 0;
    return found ? found->data : NULL;
#else
    return av_stream_get_side_data(stream, type, size);
#endif
}

/// The nine numbers of the display matrix of a stream. 0: there is none.
static inline int rs_stream_display_matrix(const AVStream *stream, int32_t matrix[9]) {
    size_t size = 0;
    const uint8_t *data = rs_stream_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    if (!data || size < 9 * sizeof(int32_t)) return 0;
    memcpy(matrix, data, 9 * sizeof(int32_t));
    return 1;
}

/// The nine numbers of the display matrix of one frame. 0: there is none.
static inline int rs_frame_display_matrix(const AVFrame *frame, int32_t matrix[9]) {
    const AVFrameSideData *found = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
    if (!found || found->size < 9 * sizeof(int32_t)) return 0;
    memcpy(matrix, found->data, 9 * sizeof(int32_t));
    return 1;
}

/// Whether the container says that this stream is encrypted.
static inline int rs_stream_is_encrypted(const AVStream *stream) {
    size_t size = 0;
    if (rs_stream_side_data(stream, AV_PKT_DATA_ENCRYPTION_INIT_INFO, &size)) return 1;
    return av_dict_get(stream->metadata, "enc_key_id", NULL, 0) != NULL;
}

// MARK: What went wrong, kept per reader instead of printed

/// The last error line of one reader, and the largest picture that FFmpeg refused. Decoder threads
/// write it while another thread reads it, so a lock guards it.
typedef struct rs_diagnostics {
    pthread_mutex_t lock;
    char last_error[256];
    int64_t refused_width;
    int64_t refused_height;
    /// Marks of the last packets whose pictures were patched up by error concealment.
    int64_t concealed[64];
    uint64_t concealed_count;
} rs_diagnostics;

static inline rs_diagnostics *rs_diagnostics_create(void) {
    rs_diagnostics *made = (rs_diagnostics *)calloc(1, sizeof *made);
    if (made && pthread_mutex_init(&made->lock, NULL) != 0) {
        free(made);
        return NULL;
    }
    return made;
}

static inline void rs_diagnostics_destroy(rs_diagnostics *diagnostics) {
    pthread_mutex_destroy(&diagnostics->lock);
    free(diagnostics);
}

/// Copies the last error line; `text` always ends with a zero byte.
static inline void rs_diagnostics_read(
    rs_diagnostics *diagnostics, char text[256], int64_t *refused_width, int64_t *refused_height) {
    pthread_mutex_lock(&diagnostics->lock);
    memcpy(text, diagnostics->last_error, 256);
    *refused_width = diagnostics->refused_width;
    *refused_height = diagnostics->refused_height;
    pthread_mutex_unlock(&diagnostics->lock);
}

/// The diagnostics of the reader to which a logging object belongs: the `opaque` of the codec or
/// container context that is the object itself or one of its parents. Contexts that FFmpeg makes
/// for itself have no `opaque` and are passed over.
static inline rs_diagnostics *rs_diagnostics_of(void *object) {
    for (int depth = 0; object && depth < 4; depth++) {
        const AVClass *class = *(const AVClass **)object;
        if (!class || !class->class_name) return NULL;
        if (strcmp(class->class_name, "AVCodecContext") == 0)
            return (rs_diagnostics *)((AVCodecContext *)object)->opaque;
        if (strcmp(class->class_name, "AVFormatContext") == 0)
            return (rs_diagnostics *)((AVFormatContext *)object)->opaque;
        if (!class->parent_log_context_offset) return NULL;
        object = *(void **)((uint8_t *)object + class->parent_log_context_offset);
    }
    return NULL;
}

/// The codec context to which a logging object belongs, or NULL.
static inline AVCodecContext *rs_codec_of(void *object) {
    const AVClass *class = *(const AVClass **)object;
    return class && class->class_name && strcmp(class->class_name, "AVCodecContext") == 0
        ? (AVCodecContext *)object : NULL;
}

// Up to version 59, a decoder thread may set the error flags of a picture after another thread has
// copied them to the frame that we get. Whether a picture was patched up is then a matter of luck,
// so it is told by the log line of the thread that does it: each packet carries a mark
// (`reordered_opaque`), which the thread's context and the picture have as well.
#if LIBAVCODEC_VERSION_MAJOR < 60
#define RS_MARKS_PACKETS 1
#else
#define RS_MARKS_PACKETS 0
#endif

static inline void rs_mark_next_packet(AVCodecContext *context, int64_t mark) {
#if RS_MARKS_PACKETS
    context->reordered_opaque = mark;
#else
    (void)context, (void)mark;
#endif
}

/// Whether the decoder patched up a part of this picture. Asked once the picture is complete.
static inline int rs_frame_is_concealed(rs_diagnostics *diagnostics, const AVFrame *frame) {
#if RS_MARKS_PACKETS
    int found = 0;
    pthread_mutex_lock(&diagnostics->lock);
    uint64_t count = diagnostics->concealed_count < 64 ? diagnostics->concealed_count : 64;
    for (uint64_t i = 0; i < count; i++)
        if (diagnostics->concealed[i] == frame->reordered_opaque) found = 1;
    pthread_mutex_unlock(&diagnostics->lock);
    return found;
#else
    (void)diagnostics;
    return frame->decode_error_flags != 0;
#endif
}

static inline void rs_note_concealment(void *object, const char *format) {
#if RS_MARKS_PACKETS
    if (strncmp(format, "concealing ", 11) != 0) return;
    AVCodecContext *codec = rs_codec_of(object);
    rs_diagnostics *diagnostics = codec ? (rs_diagnostics *)codec->opaque : NULL;
    if (!diagnostics) return;
    pthread_mutex_lock(&diagnostics->lock);
    diagnostics->concealed[diagnostics->concealed_count++ % 64] = codec->reordered_opaque;
    pthread_mutex_unlock(&diagnostics->lock);
#else
    (void)object, (void)format;
#endif
}

static inline void rs_keep_log_line(void *object, int level, const char *format, va_list values) {
    if (!object) return;
    if (level > AV_LOG_ERROR) {
        rs_note_concealment(object, format);
        return;
    }
    rs_diagnostics *diagnostics = rs_diagnostics_of(object);
    if (!diagnostics) return;
    char line[256];
    vsnprintf(line, sizeof line, format, values);
    size_t length = strlen(line);
    while (length && (line[length - 1] == '\n' || line[length - 1] == '\r')) line[--length] = 0;
    if (!length) return;
    unsigned width = 0, height = 0;
    int refused = sscanf(line, "Picture size %ux%u", &width, &height) == 2;
    // Decoders log from any of their threads, in no order that could be told again; what is said of a
    // file must not depend on that. Containers log from the reader's own thread.
    int is_codec = rs_codec_of(object) != NULL;
    pthread_mutex_lock(&diagnostics->lock);
    if (!is_codec) memcpy(diagnostics->last_error, line, length + 1);
    if (refused) {
        diagnostics->refused_width = width;
        diagnostics->refused_height = height;
    }
    pthread_mutex_unlock(&diagnostics->lock);
}

/// Sends every log line of FFmpeg to the diagnostics of its reader, and none to the terminal.
static inline void rs_capture_log(void) { av_log_set_callback(rs_keep_log_line); }

/// Whether a packet is still encrypted.
static inline int rs_packet_is_encrypted(const AVPacket *packet) {
    return av_packet_get_side_data(packet, AV_PKT_DATA_ENCRYPTION_INFO, NULL) != NULL;
}

// MARK: Input

typedef int (*rs_read_callback)(void *owner, uint8_t *bytes, int count);
typedef int64_t (*rs_seek_callback)(void *owner, int64_t offset, int whence);
typedef int (*rs_interrupt_callback)(void *owner);

/// A reading context over our own callbacks. NULL: out of memory.
static inline AVIOContext *rs_io_create(
    int buffer_size, void *owner, rs_read_callback read, rs_seek_callback seek) {
    unsigned char *buffer = (unsigned char *)av_malloc((size_t)buffer_size);
    if (!buffer) return NULL;
    AVIOContext *made = avio_alloc_context(buffer, buffer_size, 0, owner, read, NULL, seek);
    if (!made) av_free(buffer);
    return made;
}

static inline void rs_io_destroy(AVIOContext *context) {
    av_freep(&context->buffer);
    avio_context_free(&context);
}

static inline int rs_refuse_open(
    AVFormatContext *context, AVIOContext **io, const char *url, int flags,
    AVDictionary **options) {
    (void)context, (void)url, (void)flags, (void)options;
    *io = NULL;
    return AVERROR(EPERM);
}

/// A demuxer that asks for another file or address is refused.
static inline void rs_refuse_other_inputs(AVFormatContext *context) {
    context->io_open = rs_refuse_open;
}

/// The stream of an index below `nb_streams`.
static inline AVStream *_Nonnull rs_stream(const AVFormatContext *context, int index) {
    return context->streams[index];
}

// MARK: Colour conversion

/// A converter between two pixel formats of the same size: the type of swscale's context is opaque
/// in some versions and not in others. NULL: swscale cannot do it.
static inline void *rs_scaler_create(
    int width, int height, enum AVPixelFormat from, enum AVPixelFormat to, int colour_space,
    int full_range) {
    struct SwsContext *made = sws_getContext(
        width, height, from, width, height, to,
        SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    if (!made) return NULL;
    const int *matrix = sws_getCoefficients(colour_space);
    // Fails for sources that have no colour matrix; nothing is to be set then.
    sws_setColorspaceDetails(made, matrix, full_range, matrix, 1, 0, 1 << 16, 1 << 16);
    return made;
}

static inline void rs_scaler_destroy(void *scaler) {
    sws_freeContext((struct SwsContext *)scaler);
}

/// Writes a whole picture; gives the number of rows written.
static inline int rs_scaler_convert(
    void *scaler, const AVFrame *frame, uint8_t *target, int stride) {
    uint8_t *planes[4] = {target, NULL, NULL, NULL};
    int strides[4] = {stride, 0, 0, 0};
    return sws_scale(
        (struct SwsContext *)scaler, (const uint8_t *const *)frame->data, frame->linesize, 0,
        frame->height, planes, strides);
}

#endif

internal import CFFmpeg

/// A negative return code of FFmpeg.
struct FFmpegStatus: Error, Equatable {
    let code: Int32

    static let endOfFile = FFmpegStatus(code: rs_error_end_of_file)
    static let again = FFmpegStatus(code: rs_error_again)

    /// FFmpeg's own words.
    var text: String {
        var buffer = [CChar](repeating: 0, count: 128)
        av_strerror(code, &buffer, buffer.count)
        return Video.text(ofZeroTerminated: buffer)
    }
}

/// What a C function wrote into a buffer.
func text(ofZeroTerminated buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// Passes a return code on, or throws what it says went wrong.
@discardableResult
func check(_ code: Int32) throws(FFmpegStatus) -> Int32 {
    if code < 0 { throw FFmpegStatus(code: code) }
    return code
}

/// The value of a pointer that FFmpeg allocates, or the error that it could not.
func allocated<Value>(
    _ pointer: UnsafeMutablePointer<Value>?, _ operation: String
) throws(VideoError) -> UnsafeMutablePointer<Value> {
    guard let pointer else {
        throw .systemFailure(operation: operation, reason: "out of memory")
    }
    return pointer
}

func allocated(
    _ pointer: OpaquePointer?, _ operation: String
) throws(VideoError) -> OpaquePointer {
    guard let pointer else {
        throw .systemFailure(operation: operation, reason: "out of memory")
    }
    return pointer
}

/// Error lines of one reader, which FFmpeg would print to the terminal.
struct Diagnostics: ~Copyable {
    let pointer: UnsafeMutablePointer<rs_diagnostics>

    /// Installed once for the process; FFmpeg's log is a global.
    private static let captured: Void = rs_capture_log()

    /// Keeps FFmpeg's lines off the terminal from here on.
    static func silence() { captured }

    init() throws(VideoError) {
        Self.silence()
        pointer = try allocated(rs_diagnostics_create(), "creating a log")
    }

    deinit { rs_diagnostics_destroy(pointer) }

    /// The last error line, and the largest picture that FFmpeg refused to allocate.
    func read() -> (line: String?, refused: (width: Int, height: Int)?) {
        var text = [CChar](repeating: 0, count: 256)
        var width: Int64 = 0
        var height: Int64 = 0
        rs_diagnostics_read(pointer, &text, &width, &height)
        let line = Video.text(ofZeroTerminated: text)
        return (
            line.isEmpty ? nil : line,
            width > 0 && height > 0 ? (Int(width), Int(height)) : nil
        )
    }
}

extension AVRational {
    /// Nil for 0/0 and for what does not fit.
    var rational: Rational? {
        guard num > 0, den > 0 else { return nil }
        return Rational(Int64(num), Int64(den))
    }
}

internal import CFFmpeg
import Glibc

/// The bytes of one input, read through our own callbacks, so that no read waits for ever and so
/// that a pipe can be read again.
///
/// A regular file is read in place. What comes out of a pipe is kept in an unlinked temporary file
/// up to `DecodeLimits.pipeBytes`; as long as it fits, the pipe can be rewound, which sampling of
/// short clips and containers with their index at the end need. An address is read through
/// FFmpeg's http protocol.
///
/// A class because FFmpeg's callbacks hold a pointer to it; it has one owner and one thread.
final class ByteSource {
    private enum Kind {
        case file(descriptor: Int32, size: Int64)
        case pipe(descriptor: Int32, spool: Int32)
        case address(UnsafeMutablePointer<AVIOContext>)
    }

    let uri: String
    private let limits: DecodeLimits
    let activity: ReadingActivity?
    private let ownsDescriptor: Bool
    private var kind: Kind
    private var position: Int64 = 0
    /// Bytes of a pipe that were read so far; those up to `limits.pipeBytes` are in the spool.
    private var received: Int64 = 0
    private var reachedEnd = false
    private var clock: Deadline
    /// A pipe ran dry for `stallSeconds`. Kept because demuxers turn read errors into ends.
    private(set) var stalled = false
    /// A seek needed bytes of a pipe that were not kept.
    private(set) var lostBytes = false
    /// There is more than `limits.maximumBytes`.
    private(set) var exceeded = false

    // MARK: Opening

    /// A file, a named pipe or a device by its path.
    ///
    /// - Parameter name: what errors call it, where that is not the path.
    static func file(
        _ path: String, named name: String? = nil, limits: DecodeLimits,
        activity: ReadingActivity? = nil
    ) throws(VideoError) -> ByteSource {
        // Without O_NONBLOCK, opening a named pipe would wait for its writer beyond any deadline.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            let number = errno
            if number == ENOENT || number == ENOTDIR { throw .notFound(uri: name ?? path) }
            throw .cannotOpen(uri: name ?? path, reason: String(cString: strerror(number)))
        }
        do {
            return try ByteSource(
                descriptor: descriptor, owns: true, uri: name ?? path, limits: limits,
                activity: activity)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Standard input.
    static func standardInput(
        limits: DecodeLimits, activity: ReadingActivity? = nil
    ) throws(VideoError) -> ByteSource {
        try ByteSource(
            descriptor: 0, owns: false, uri: "-", limits: limits, activity: activity)
    }

    private init(
        descriptor: Int32, owns: Bool, uri: String, limits: DecodeLimits,
        activity: ReadingActivity?
    ) throws(VideoError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw .cannotOpen(uri: uri, reason: String(cString: strerror(errno)))
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG:
            if let most = limits.maximumBytes, Int64(status.st_size) > Int64(most) {
                throw .tooManyBytes(uri: uri, limit: most)
            }
            kind = .file(descriptor: descriptor, size: Int64(status.st_size))
        case S_IFDIR:
            throw .cannotOpen(uri: uri, reason: "it is a folder")
        default:
            kind = .pipe(descriptor: descriptor, spool: try Self.temporaryFile(uri: uri))
        }
        self.uri = uri
        self.limits = limits
        self.activity = activity
        ownsDescriptor = owns
        clock = Deadline(seconds: limits.stallSeconds)
    }

    /// An http or https address.
    init(
        address: String, limits: DecodeLimits, agent: String, activity: ReadingActivity? = nil
    ) throws(VideoError) {
        uri = address
        self.limits = limits
        self.activity = activity
        ownsDescriptor = false
        clock = Deadline(seconds: limits.stallSeconds)
        kind = .pipe(descriptor: -1, spool: -1)
        var interrupt = AVIOInterruptCB(
            callback: { owner in
                guard let owner else { return 0 }
                let source = ByteSource.from(owner)
                return source.clock.isPast || source.isStopped ? 1 : 0
            },
            opaque: Unmanaged.passUnretained(self).toOpaque())
        var options: OpaquePointer?
        defer { av_dict_free(&options) }
        let microseconds = String(Int64(min(limits.stallSeconds, 1e6) * 1e6))
        av_dict_set(&options, "rw_timeout", microseconds, 0)
        av_dict_set(&options, "user_agent", agent, 0)
        av_dict_set(&options, "protocol_whitelist", ByteSource.networkProtocols, 0)
        var context: UnsafeMutablePointer<AVIOContext>?
        let status = avio_open2(&context, address, AVIO_FLAG_READ, &interrupt, &options)
        guard status >= 0, let context else {
            if clock.isPast || status == rs_error_timed_out || status == rs_error_exit {
                throw .stalled(uri: address, seconds: limits.stallSeconds)
            }
            switch status {
            case rs_error_http_not_found: throw .notFound(uri: address)
            case rs_error_http_unauthorized, rs_error_http_forbidden, rs_error_http_bad_request,
                rs_error_http_other_4xx:
                throw .cannotOpen(uri: address, reason: FFmpegStatus(code: status).text)
            default:
                throw .unreachable(uri: address, reason: FFmpegStatus(code: status).text)
            }
        }
        kind = .address(context)
        if let most = limits.maximumBytes, let size, size > Int64(most) {
            throw .tooManyBytes(uri: address, limit: most)
        }
    }

    static let networkProtocols = "http,https,tcp,tls,crypto,httpproxy"

    deinit {
        switch kind {
        case .file(let descriptor, _):
            if ownsDescriptor { close(descriptor) }
        case .pipe(let descriptor, let spool):
            if ownsDescriptor { close(descriptor) }
            if spool >= 0 { close(spool) }
        case .address(let context):
            var context: UnsafeMutablePointer<AVIOContext>? = context
            avio_closep(&context)
        }
    }

    private static func temporaryFile(uri: String) throws(VideoError) -> Int32 {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(folder)/reelscribe-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            throw .cannotOpen(
                uri: uri,
                reason: "no temporary file in \(folder): \(String(cString: strerror(errno)))")
        }
        unlink(template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    // MARK: What it can do

    /// Whether any part can be read at any time, at no more than the cost of a read.
    var isRandomAccess: Bool {
        switch kind {
        case .file: true
        case .pipe: false
        case .address(let context): context.pointee.seekable & AVIO_SEEKABLE_NORMAL != 0
        }
    }

    var isPipe: Bool {
        if case .pipe = kind { return true }
        return false
    }

    /// Whether `rewind` can work.
    var canRewind: Bool {
        switch kind {
        case .file: true
        case .pipe: received <= Int64(limits.pipeBytes)
        case .address: isRandomAccess
        }
    }

    /// What ended the reading that demuxers take for the end of the input.
    ///
    /// - Throws: `stalled`, `tooManyBytes`, or `pipeTooLarge`.
    func checkInterruption() throws(VideoError) {
        if stalled { throw .stalled(uri: uri, seconds: limits.stallSeconds) }
        if exceeded, let most = limits.maximumBytes {
            throw .tooManyBytes(uri: uri, limit: most)
        }
        if lostBytes { throw .pipeTooLarge(uri: uri, limit: limits.pipeBytes) }
    }

    /// Goes back to the first byte.
    func rewind() throws(VideoError) {
        if isPipe, !canRewind {
            throw .pipeTooLarge(uri: uri, limit: limits.pipeBytes)
        }
        guard seek(0, SEEK_SET) == 0 else {
            throw .unreachable(uri: uri, reason: "the server cannot send the beginning again")
        }
    }

    /// Up to `count` first bytes; where reading goes on does not change.
    func peekKeepingPosition(_ count: Int) throws(VideoError) -> [UInt8] {
        let before = position
        try rewind()
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBufferPointer { buffer -> Int32 in
                guard let base = buffer.baseAddress else { return 0 }
                return read(into: base + filled, count: Int32(clamping: count - filled))
            }
            if got <= 0 { break }
            filled += Int(got)
        }
        _ = seek(before, SEEK_SET)
        return Array(bytes[..<filled])
    }

    // MARK: Callbacks

    static func from(_ owner: UnsafeMutableRawPointer) -> ByteSource {
        Unmanaged<ByteSource>.fromOpaque(owner).takeUnretainedValue()
    }

    /// Up to `count` bytes; a negative code at the end and on errors, as FFmpeg wants it.
    func read(into bytes: UnsafeMutablePointer<UInt8>, count: Int32) -> Int32 {
        guard count > 0 else { return 0 }
        clock.restart()
        activity?.note()
        if isStopped { return rs_error_exit }
        switch kind {
        case .file(let descriptor, _):
            return take(pread(descriptor, bytes, Int(count), off_t(position)))
        case .pipe(let descriptor, let spool):
            if position < received {
                // What was not kept cannot be given again.
                guard position < Int64(limits.pipeBytes) else {
                    lostBytes = true
                    return rs_error_io
                }
                let available = min(
                    Int64(count), received - position, Int64(limits.pipeBytes) - position)
                return take(pread(spool, bytes, Int(available), off_t(position)))
            }
            return receive(descriptor, spool: spool, into: bytes, count: Int(count))
        case .address(let context):
            let got = avio_read_partial(context, bytes, count)
            if got == 0 || got == rs_error_end_of_file { return rs_error_end_of_file }
            if got < 0 {
                if clock.isPast || got == rs_error_timed_out { stalled = true }
                return got
            }
            position += Int64(got)
            return isWithinLimit(position) ? got : rs_error_io
        }
    }

    /// Remembers where an input of unknown size turns out to be too large.
    private func isWithinLimit(_ bytes: Int64) -> Bool {
        guard let most = limits.maximumBytes, bytes > Int64(most) else { return true }
        exceeded = true
        return false
    }

    private func take(_ got: Int) -> Int32 {
        if got < 0 { return rs_error_from_errno(errno) }
        if got == 0 { return rs_error_end_of_file }
        position += Int64(got)
        return Int32(got)
    }

    private func receive(
        _ descriptor: Int32, spool: Int32, into bytes: UnsafeMutablePointer<UInt8>, count: Int
    ) -> Int32 {
        if reachedEnd { return rs_error_end_of_file }
        while true {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&waiting, 1, min(clock.millisecondsLeft, Self.tick))
            if ready < 0 && errno == EINTR { continue }
            if isStopped { return rs_error_exit }
            if ready == 0 {
                if !clock.isPast { continue }
                stalled = true
                return rs_error_timed_out
            }
            let got = Glibc.read(descriptor, bytes, count)
            if got < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                return rs_error_from_errno(errno)
            }
            if got == 0 {
                reachedEnd = true
                return rs_error_end_of_file
            }
            let kept = min(got, max(0, limits.pipeBytes - Int(received)))
            var written = 0
            while written < kept {
                let step = pwrite(spool, bytes + written, kept - written, off_t(received) + written)
                if step < 0 {
                    if errno == EINTR { continue }
                    return rs_error_from_errno(errno)
                }
                written += step
            }
            received += Int64(got)
            position = received
            return isWithinLimit(received) ? Int32(got) : rs_error_io
        }
    }

    /// The new position, or the size for `AVSEEK_SIZE`; a negative code where it cannot be done.
    func seek(_ offset: Int64, _ whence: Int32) -> Int64 {
        clock.restart()
        let wanted: Int64
        switch whence & ~AVSEEK_FORCE {
        case AVSEEK_SIZE: return size ?? Int64(rs_error_not_supported)
        case SEEK_SET: wanted = offset
        case SEEK_CUR:
            let (sum, overflow) = position.addingReportingOverflow(offset)
            guard !overflow else { return Int64(rs_error_invalid_data) }
            wanted = sum
        case SEEK_END:
            guard let size else { return Int64(rs_error_not_supported) }
            let (sum, overflow) = size.addingReportingOverflow(offset)
            guard !overflow else { return Int64(rs_error_invalid_data) }
            wanted = sum
        default: return Int64(rs_error_invalid_data)
        }
        guard wanted >= 0 else { return Int64(rs_error_invalid_data) }
        switch kind {
        case .file:
            position = wanted
        case .pipe:
            if wanted > received && !drain(to: wanted) { return Int64(rs_error_io) }
            position = wanted
        case .address(let context):
            let reached = avio_seek(context, wanted, SEEK_SET)
            if reached < 0 { return reached }
            position = reached
        }
        return position
    }

    /// Milliseconds between looks at whether the bytes are still wanted.
    private static let tick: Int32 = 100

    private var isStopped: Bool { activity?.isStopped ?? false }

    /// Whether the input is known to hold not one byte.
    var isEmpty: Bool { size == 0 }

    private var size: Int64? {
        switch kind {
        case .file(_, let size): return size
        case .pipe: return reachedEnd ? received : nil
        case .address(let context):
            let size = avio_size(context)
            return size >= 0 ? size : nil
        }
    }

    private func drain(to wanted: Int64) -> Bool {
        position = received
        var scratch = [UInt8](repeating: 0, count: 1 << 16)
        while received < wanted {
            let got = scratch.withUnsafeMutableBufferPointer { buffer -> Int32 in
                guard let base = buffer.baseAddress else { return 0 }
                return read(
                    into: base, count: Int32(min(Int64(buffer.count), wanted - received)))
            }
            if got <= 0 { return false }
        }
        return true
    }
}

/// A moment on the monotonic clock after which waiting is given up.
private struct Deadline {
    private let seconds: Double
    private var moment: Double

    init(seconds: Double) {
        self.seconds = seconds
        moment = Self.now + seconds
    }

    mutating func restart() { moment = Self.now + seconds }

    var isPast: Bool { Self.now > moment }

    var millisecondsLeft: Int32 {
        Int32(clamping: Int((min(max(moment - Self.now, 0), 1e6) * 1000).rounded(.up)))
    }

    private static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

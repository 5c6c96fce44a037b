import Glibc

/// Where pictures come from.
public enum VideoInput: Sendable, Hashable {
    /// A video file, or a named pipe.
    case file(path: String)
    /// An http or https address.
    case url(String)
    case standardInput
    /// Picture files in order, shown at a fixed rate as a video. `uri` is what the user named.
    case imageFolder([String], framesPerSecond: Rational, uri: String)
    /// One picture.
    case image(path: String)
    /// A video or picture file under another name: what it was fetched from, or its `file:` address.
    case fetched(path: String, uri: String, isImage: Bool)

    /// What a `file:` address of this machine names, without its percent signs; nil for anything else.
    ///
    /// Source: RFC 8089.
    public static func path(ofFileURL address: String) -> String? {
        guard address.prefix(7).lowercased() == "file://" else { return nil }
        var rest = address.dropFirst(7)
        if rest.prefix(10).lowercased() == "localhost/" { rest = rest.dropFirst(9) }
        // A word before the path is another machine.
        guard rest.hasPrefix("/") else { return nil }
        var bytes: [UInt8] = []
        var coming = rest.utf8[...]
        while let byte = coming.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = coming.prefix(2)
            guard digits.count == 2, !digits.contains(where: { "+-".utf8.contains($0) }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16), value != 0
            else { return nil }
            bytes.append(value)
            coming = coming.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// The same input under the name that the user gave it.
    private func named(_ uri: String) -> VideoInput {
        switch self {
        case .file(let path): .fetched(path: path, uri: uri, isImage: false)
        case .imageFolder(let paths, let rate, _):
            .imageFolder(paths, framesPerSecond: rate, uri: uri)
        default: self
        }
    }

    /// What the user named.
    public var uri: String {
        switch self {
        case .file(let path), .image(let path): path
        case .url(let address): address
        case .standardInput: "-"
        case .imageFolder(_, _, let uri), .fetched(_, let uri, _): uri
        }
    }

    /// Whether this is one picture, which has the budget of an image and no time.
    public var isStillImage: Bool {
        switch self {
        case .image, .fetched(_, _, isImage: true): true
        default: false
        }
    }

    var isImageFolder: Bool {
        if case .imageFolder = self { return true }
        return false
    }

    /// Finds out what a command-line argument means.
    ///
    /// - Parameters:
    ///   - argument: a file, an http(s) or `file:` URL, a folder of images, a glob of images, or `-`.
    ///     A path that exists is taken as it is, whatever characters it has.
    ///   - inputFPS: frames a second of a folder or glob of images.
    public static func resolve(
        _ argument: String, inputFPS: Rational = Rational(2)
    ) throws(VideoError) -> VideoInput {
        let located = try locate(argument, inputFPS: inputFPS)
        return located.isRegularFile ? located.probed() : located
    }

    /// What `resolve` finds without FFmpeg: a picture file is still taken for a video.
    ///
    /// For a process that leaves content to others; `probed` tells the rest.
    package static func locate(
        _ argument: String, inputFPS: Rational = Rational(2)
    ) throws(VideoError) -> VideoInput {
        if argument == "-" { return .standardInput }
        guard inputFPS.numerator > 0 else {
            throw .invalidSampling(reason: "a rate of \(inputFPS) images a second")
        }
        var status = stat()
        if stat(argument, &status) == 0 {
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                let names = try FileNames.inFolder(argument)
                if let video = FileNames.firstVideo(of: names) {
                    throw .holdsVideos(uri: argument, first: video)
                }
                let pictures = names.filter { PictureSignature.looksLikePicture($0) }
                guard !pictures.isEmpty else { throw .noPictures(uri: argument) }
                return .imageFolder(pictures, framesPerSecond: inputFPS, uri: argument)
            default:
                return .file(path: argument)
            }
        }
        let reason = errno
        if let path = path(ofFileURL: argument) {
            guard stat(path, &status) == 0 else { throw missing(argument, errno) }
            return try locate(path, inputFPS: inputFPS).named(argument)
        }
        if let scheme = urlScheme(of: argument) {
            guard scheme == "http" || scheme == "https" else {
                throw .unsupportedURL(uri: argument)
            }
            return .url(argument)
        }
        if argument.utf8.contains(where: { "*?[".utf8.contains($0) }) {
            let matches = FileNames.matching(argument)
            if matches.count > 1, let video = FileNames.firstVideo(of: matches) {
                throw .holdsVideos(uri: argument, first: video)
            }
            let pictures = matches.filter { PictureSignature.looksLikePicture($0) }
            if !pictures.isEmpty {
                return .imageFolder(pictures, framesPerSecond: inputFPS, uri: argument)
            }
            if let only = matches.first, matches.count == 1 { return .file(path: only) }
            if !matches.isEmpty { throw .noPictures(uri: argument) }
        }
        throw missing(argument, reason)
    }

    private static func missing(_ uri: String, _ reason: Int32) -> VideoError {
        reason == ENOENT || reason == ENOTDIR
            ? .notFound(uri: uri) : .cannotOpen(uri: uri, reason: String(cString: strerror(reason)))
    }

    /// A file that holds exactly one picture as an image, everything else as it is.
    package func probed() -> VideoInput {
        switch self {
        case .file(let path) where Self.isStillPicture(path): .image(path: path)
        case .fetched(let path, let uri, isImage: false) where Self.isStillPicture(path):
            .fetched(path: path, uri: uri, isImage: true)
        default: self
        }
    }

    /// Whether it names one regular file that may be a picture.
    package var isRegularFile: Bool {
        let path: String
        switch self {
        case .file(let named), .fetched(let named, _, isImage: false): path = named
        default: return false
        }
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    /// The lower-case scheme of `scheme://…`; nil where there is none.
    private static func urlScheme(of argument: String) -> String? {
        guard let separator = argument.firstRange(of: "://") else { return nil }
        let scheme = argument[..<separator.lowerBound].lowercased()
        guard let first = scheme.utf8.first, (97...122).contains(first),
            scheme.utf8.allSatisfy({
                (97...122).contains($0) || (48...57).contains($0) || "+-.".utf8.contains($0)
            })
        else { return nil }
        return scheme
    }

    /// Whether a file holds exactly one picture, by its content. Animations are videos.
    private static func isStillPicture(_ path: String) -> Bool {
        guard PictureSignature.of(path) != nil else { return false }
        do {
            let bytes = try ByteSource.file(path, limits: .standard)
            var demuxer = try Demuxer(bytes, limits: .standard, allowReferences: false)
            if demuxer.facts.isStillPicture { return true }
            guard case .packet = try demuxer.read() else { return false }
            if case .packet = try demuxer.read() { return false }
            return true
        } catch {
            return false
        }
    }
}

/// Kinds of picture files, told apart by their first bytes.
enum PictureSignature {
    case png, jpeg, gif, webp, bmp, tiff

    static func of(_ path: String) -> PictureSignature? {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var head = [UInt8](repeating: 0, count: 16)
        let count = read(descriptor, &head, head.count)
        guard count > 0 else { return nil }
        return of(bytes: head[..<count])
    }

    static func of(bytes: ArraySlice<UInt8>) -> PictureSignature? {
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
        if bytes.starts(with: "GIF87a".utf8) || bytes.starts(with: "GIF89a".utf8) { return .gif }
        if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WEBP".utf8) {
            return .webp
        }
        if bytes.starts(with: "BM".utf8), bytes.count >= 14,
            bytes.dropFirst(6).prefix(4) == [0, 0, 0, 0]
        {
            return .bmp
        }
        if bytes.starts(with: [0x49, 0x49, 0x2A, 0]) || bytes.starts(with: [0x4D, 0x4D, 0, 0x2A]) {
            return .tiff
        }
        return nil
    }

    private static let extensions: Set<String> = [
        "png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff",
    ]

    /// Whether a regular file is a picture by its content, or claims to be one by its name: the
    /// latter is reported as damaged and not passed over in silence.
    static func looksLikePicture(_ path: String) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        if of(path) != nil { return true }
        guard let dot = path.lastIndex(of: ".") else { return false }
        return extensions.contains(path[path.index(after: dot)...].lowercased())
    }
}

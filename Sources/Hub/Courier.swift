import Foundation
import VideoUnderstanding

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Asks a hub, follows where it points, and tries again where the line breaks.
struct Courier: Sendable {
    let settings: HubSettings
    /// Asked often; throws to end the work.
    let check: @Sendable () throws(Failure) -> Void

    private static let redirections = 8
    /// Bytes of an answer that is held in memory.
    private static let answerLimit = 16 << 20

    /// What is known of a file before it is fetched.
    struct FileFacts: Sendable {
        var size: Int
        /// Names the content: the SHA-256 of files in large storage, else another digest.
        var tag: String
        var commit: String?

        /// The digest where the tag is one.
        var sha256: String? {
            tag.utf8.count == 64 && tag.allSatisfy(\.isHexDigit) ? tag.lowercased() : nil
        }
    }

    /// The bytes of a short answer.
    func answer(_ path: String, what: String) throws -> (bytes: [UInt8], url: String) {
        let url = try url(path)
        let body = Collected(limit: Self.answerLimit)
        let reply = try attempt(url) { _ in
            body.clear()
            return request(url)
        } accept: {
            $0.status == 200
        } take: {
            body.add($0)
        }
        try require(reply, what: what)
        return (body.bytes, url.absoluteString)
    }

    /// Size and tag of a file, as the hub tells them before it sends the file elsewhere.
    func facts(_ path: String, file: String) throws -> FileFacts {
        let url = try url(path)
        var reply = try attempt(url) { _ in request(url, method: "HEAD") }
        // Redirections within the hub are followed; the one to the storage tells what we need.
        for _ in 0..<Self.redirections {
            guard (300..<400).contains(reply.status), reply.header("x-linked-etag") == nil,
                let next = try target(of: reply)
            else { break }
            reply = try attempt(next) { _ in request(next, method: "HEAD") }
        }
        if !(300..<400).contains(reply.status) { try require(reply, what: file) }
        guard let tag = reply.tag("x-linked-etag") ?? reply.tag("etag"), HubCache.isPlain(tag)
        else { throw HubError.badAnswer(url: url.absoluteString, reason: "no entity tag") }
        let length = reply.header("x-linked-size") ?? reply.header("content-length")
        guard let size = length.flatMap({ Int($0) }), size >= 0 else {
            throw HubError.badAnswer(url: url.absoluteString, reason: "no size")
        }
        return FileFacts(size: size, tag: tag, commit: reply.header("x-repo-commit"))
    }

    /// Fetches a file into another, from where that ends.
    ///
    /// - Parameter onBytes: gets how many bytes the file has.
    func fetch(
        _ path: String, into file: PartialFile, size: Int,
        onBytes: @escaping @Sendable (Int) -> Void
    ) throws {
        let first = try url(path)
        var idle = 0
        var hasBegunAgain = false
        while file.size < size {
            let before = file.size
            var next: URL? = first
            for _ in 0...Self.redirections {
                guard let url = next else { break }
                let reply = try attempt(url) { _ in
                    let end = min(file.size + settings.piece, size) - 1
                    var request = request(url)
                    request.setValue(
                        "bytes=\(file.size)-\(end)", forHTTPHeaderField: "Range")
                    return request
                } progress: {
                    file.size
                } accept: { reply in
                    switch reply.status {
                    case 206: Self.start(of: reply) == file.size
                    // A server without ranges begins again.
                    case 200: file.truncate()
                    default: false
                    }
                } take: { data in
                    guard (try? check()) != nil, file.append(data) else { return false }
                    onBytes(file.size)
                    return file.size <= size
                }
                if let problem = file.problem { throw problem }
                try check()
                next = (300..<400).contains(reply.status) ? try target(of: reply) : nil
                if next == nil {
                    // A partial file of other content, or a whole that is shorter than promised.
                    if reply.status == 416, file.size > 0 {
                        guard !hasBegunAgain else {
                            let name = path.split(separator: "/").last.map(String.init) ?? path
                            throw HubError.wrongSize(
                                file: name, found: file.size, expected: size)
                        }
                        hasBegunAgain = true
                        file.truncate()
                        break
                    }
                    guard reply.status == 206 || reply.status == 200 else {
                        try require(reply, what: path)
                        break
                    }
                    guard file.size <= size else { return }
                }
            }
            guard next == nil else {
                throw HubError.badAnswer(
                    url: first.absoluteString, reason: "too many redirections")
            }
            idle = file.size > before ? 0 : idle + 1
            guard idle <= settings.retries else {
                throw HubError.badAnswer(
                    url: first.absoluteString, reason: "not the range that was asked for")
            }
        }
    }

    // MARK: - Requests

    private func url(_ path: String) throws -> URL {
        let text = settings.endpoint + path
        guard let url = URL(string: text) else { throw HubError.badEndpoint(text) }
        return url
    }

    private func request(_ url: URL, method: String = "GET") -> URLRequest {
        var request = URLRequest(url: url, timeoutInterval: settings.timeout)
        request.httpMethod = method
        request.setValue(
            "reelscribe/\(ToolRecord.current.version)", forHTTPHeaderField: "User-Agent")
        // Compressed bytes have another size.
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        let isOurs = URL(string: settings.endpoint).map {
            $0.host == url.host && $0.port == url.port && $0.scheme == url.scheme
        }
        if let token = settings.token, isOurs == true {
            request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        }
        return request
    }

    /// Where a redirection leads; never from a safe address to an unsafe one.
    private func target(of reply: Reply) throws -> URL? {
        guard let text = reply.header("location"),
            let url = URL(string: text, relativeTo: reply.url)?.absoluteURL,
            let scheme = url.scheme?.lowercased(), scheme == "https" || scheme == "http",
            scheme == "https" || reply.url.scheme?.lowercased() == "http"
        else {
            throw HubError.badAnswer(
                url: reply.url.absoluteString,
                reason: "a redirection to \(reply.header("location") ?? "nowhere")")
        }
        return url
    }

    private static func start(of reply: Reply) -> Int? {
        guard let range = reply.header("content-range"), range.hasPrefix("bytes ") else {
            return nil
        }
        return Int(range.dropFirst(6).prefix { $0 != "-" })
    }

    /// Sends a request until an answer comes that is none of a passing fault.
    private func attempt(
        _ url: URL, _ request: (Int) -> URLRequest,
        progress: () -> Int = { 0 },
        accept: @escaping @Sendable (Reply) -> Bool = { _ in true },
        take: @escaping @Sendable (Data) -> Bool = { _ in true }
    ) throws -> Reply {
        var reason = ""
        var round = 0
        // A line that breaks after some bytes is none that is dead.
        var reached = progress()
        while round <= settings.retries {
            if round > 0 { try wait(settings.pause * Double(1 << (round - 1))) }
            try check()
            switch Transfer.run(request(round), accept: accept, take: take) {
            case .reply(let reply), .stopped(let reply):
                guard reply.status == 429 || reply.status >= 500 else { return reply }
                reason = "status \(reply.status)"
            case .failed(let words): reason = words
            }
            round = progress() > reached ? 0 : round + 1
            reached = progress()
        }
        throw HubError.unreachable(url: url.absoluteString, reason: reason)
    }

    private func wait(_ seconds: Double) throws {
        let end = Date().addingTimeInterval(min(seconds, 60))
        while Date() < end {
            try check()
            Thread.sleep(forTimeInterval: min(0.1, max(0, end.timeIntervalSinceNow)))
        }
    }

    private func require(_ reply: Reply, what: String) throws {
        let url = reply.url.absoluteString
        switch reply.status {
        case 200..<300: return
        case 404: throw HubError.notFound(what: what, url: url)
        case 401, 403: throw HubError.denied(url: url, status: reply.status)
        default: throw HubError.badAnswer(url: url, reason: "status \(reply.status)")
        }
    }
}

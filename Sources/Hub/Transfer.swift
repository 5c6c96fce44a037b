import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What a server said before it sent anything.
struct Reply: Sendable {
    var status: Int
    /// By lower-case name.
    var headers: [String: String]
    /// The address that answered.
    var url: URL

    func header(_ name: String) -> String? { headers[name] }

    /// An entity tag without its quotes.
    func tag(_ name: String) -> String? {
        guard var text = headers[name] else { return nil }
        if text.hasPrefix("W/") { text.removeFirst(2) }
        return text.trimmingCharacters(in: CharacterSet(charactersIn: "\""))
    }
}

/// One request, whose answer is waited for. It follows no redirection by itself: whom a token is
/// shown to is decided in one place, ``Courier``.
final class Transfer: NSObject, URLSessionDataDelegate, Sendable {
    private struct State {
        var reply: Reply?
        var failure: String?
        var isRefused = false
    }

    private let state = Mutex(State())
    private let done = DispatchSemaphore(value: 0)
    /// Sees the answer before its bytes; false ends the transfer.
    private let accept: @Sendable (Reply) -> Bool
    /// Gets the bytes in order; false ends the transfer.
    private let take: @Sendable (Data) -> Bool

    private init(
        accept: @escaping @Sendable (Reply) -> Bool, take: @escaping @Sendable (Data) -> Bool
    ) {
        self.accept = accept
        self.take = take
    }

    enum Outcome {
        case reply(Reply)
        /// `accept` or `take` wanted no more.
        case stopped(Reply)
        case failed(String)
    }

    static func run(
        _ request: URLRequest, accept: @escaping @Sendable (Reply) -> Bool = { _ in true },
        take: @escaping @Sendable (Data) -> Bool = { _ in true }
    ) -> Outcome {
        let transfer = Transfer(accept: accept, take: take)
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = request.timeoutInterval
        configuration.httpShouldSetCookies = false
        configuration.urlCache = nil
        let session = URLSession(
            configuration: configuration, delegate: transfer, delegateQueue: nil)
        session.dataTask(with: request).resume()
        transfer.done.wait()
        session.finishTasksAndInvalidate()
        return transfer.state.withLock { state in
            if let reply = state.reply, state.isRefused { return .stopped(reply) }
            if let failure = state.failure { return .failed(failure) }
            guard let reply = state.reply else { return .failed("no answer") }
            return .reply(reply)
        }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
        completionHandler: @escaping (URLRequest?) -> Void
    ) {
        note(response)
        completionHandler(nil)
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        guard let response = response as? HTTPURLResponse else {
            completionHandler(.cancel)
            return
        }
        let reply = note(response)
        // The bytes of a redirection say nothing.
        if !(300..<400).contains(reply.status), !accept(reply) {
            state.withLock { $0.isRefused = true }
            dataTask.cancel()
        }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let wanted = state.withLock { state in
            !state.isRefused && !(300..<400).contains(state.reply?.status ?? 0)
        }
        guard wanted, !take(data) else { return }
        state.withLock { $0.isRefused = true }
        dataTask.cancel()
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
    ) {
        state.withLock { state in
            if let error, !(300..<400).contains(state.reply?.status ?? 0) {
                state.failure = error.localizedDescription
            }
        }
        done.signal()
    }

    @discardableResult
    private func note(_ response: HTTPURLResponse) -> Reply {
        var headers: [String: String] = [:]
        for (name, value) in response.allHeaderFields {
            guard let name = name as? String, let value = value as? String else { continue }
            headers[name.lowercased()] = value
        }
        let reply = Reply(
            status: response.statusCode, headers: headers,
            url: response.url ?? URL(fileURLWithPath: "/"))
        state.withLock { $0.reply = reply }
        return reply
    }
}

import Glibc
import Imaging
import Video

/// Decodes in processes of their own, one for each input, so that what is hostile or broken in an
/// input can at worst cost the result of that input.
///
/// Each process is forked from one that has loaded all libraries but never seen any data, and lives
/// for one input. Any number of inputs can be open at once.
public final class DecodeWorkers: Sendable {
    public let budget: DecodeBudget
    private let nursery: Nursery

    /// - Parameters:
    ///   - executable: a program that calls ``NurseryProcess/run(faults:)`` for `arguments`.
    ///   - arguments: without the name of the program.
    public init(executable: String, arguments: [String], budget: DecodeBudget = DecodeBudget()) {
        self.budget = budget
        nursery = Nursery(
            executable: executable, arguments: arguments,
            allowsProxies: budget.allowedHosts == nil)
    }

    /// Opens an input in a process of its own; like `VideoReader.open`.
    ///
    /// - Throws: what the reader there throws; `decoderCrashed`, `decoderTooSlow` or
    ///   `decoderOutOfMemory` where the process did not get that far.
    package func open(
        _ input: VideoInput, sampling: SamplingOptions = SamplingOptions(),
        limits: DecodeLimits = .standard, threads: Int = 1, allowReferences: Bool = false
    ) throws(VideoError) -> RemoteVideo {
        if case .standardInput = input {
            throw .cannotOpen(
                uri: input.uri, reason: "a process of its own does not have our standard input")
        }
        if case .url(let address) = input { try checkHost(of: address) }
        let video = try start(
            input, threads: threads, limits: limits, allowReferences: allowReferences,
            needsPictures: sampling.needsPictures)
        try video.open(
            DecodeRequest(
                input: input, probes: input.isRegularFile, sampling: sampling, limits: limits,
                threads: threads, allowReferences: allowReferences,
                queuedBytes: budget.queuedBytes, allowedHosts: budget.allowedHosts))
        return video
    }

    /// Reads the text subtitles of a container in a process of its own; like
    /// `EmbeddedSubtitles.read`.
    package func subtitles(
        of input: VideoInput, limits: DecodeLimits = .standard, allowReferences: Bool = false
    ) throws(VideoError) -> EmbeddedSubtitles {
        let video = try start(
            input, threads: 1, limits: limits, allowReferences: allowReferences,
            needsPictures: false)
        return try video.subtitles(
            DecodeRequest(
                input: input, wantsSubtitles: true, probes: input.isRegularFile,
                sampling: SamplingOptions(), limits: limits, threads: 1,
                allowReferences: allowReferences, queuedBytes: budget.queuedBytes,
                allowedHosts: budget.allowedHosts))
    }

    private func start(
        _ input: VideoInput, threads: Int, limits: DecodeLimits, allowReferences: Bool,
        needsPictures: Bool
    ) throws(VideoError) -> RemoteVideo {
        let child: Nursery.Child
        do {
            child = try nursery.start(
                memory: budget.memory,
                processorSeconds: Int(min(budget.seconds * Double(threads), 1e9).rounded(.up)),
                network: input.needsNetwork || allowReferences, writing: input.mayBePipe)
        } catch {
            throw .systemFailure(operation: error.call, reason: error.reason)
        }
        return RemoteVideo(
            child, of: nursery, uri: input.uri, budget: budget,
            longestFrame: SampledFrame.longestWireForm(limits.maximumPixels),
            needsPictures: needsPictures)
    }

    /// The first address is checked here, all that it redirects to in the process.
    private func checkHost(of address: String) throws(VideoError) {
        guard let hosts = budget.allowedHosts else { return }
        let host = VideoInput.host(of: address)
        guard let host, HostList(hosts).allows(host) else {
            throw .hostNotAllowed(uri: address, host: host ?? address)
        }
    }
}

extension DecodeWorkers: Equatable {
    public static func == (one: DecodeWorkers, other: DecodeWorkers) -> Bool { one === other }
}

extension VideoInput {
    fileprivate var needsNetwork: Bool {
        if case .url = self { return true }
        return false
    }

    /// A pipe is kept in a temporary file, so that it can be read again.
    fileprivate var mayBePipe: Bool {
        if case .file = self { return !isRegularFile }
        return false
    }

    /// The host that an address names; nil where there is none.
    package static func host(of address: String) -> String? {
        guard let scheme = address.firstRange(of: "://") else { return nil }
        let authority = address[scheme.upperBound...].prefix { !"/?#\\".contains($0) }
        var host = authority[...]
        if let user = host.lastIndex(of: "@") { host = host[host.index(after: user)...] }
        if host.first == "[" {
            guard let end = host.firstIndex(of: "]") else { return nil }
            return String(host[host.index(after: host.startIndex)..<end])
        }
        host = host.prefix { $0 != ":" }
        return host.isEmpty ? nil : String(host)
    }
}

extension SampledFrame {
    /// Bytes of the message of a frame of so many pixels.
    static func longestWireForm(_ pixels: Int) -> Int {
        let (bytes, overflow) = pixels.multipliedReportingOverflow(by: 3)
        return overflow ? Int(UInt32.max) : min(bytes, Int(UInt32.max) - 64) + 64
    }
}

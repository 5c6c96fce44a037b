import ArgumentParser
import Batch
import Isolation
import VideoUnderstanding

/// Where inputs come from, where they are decoded, and what that may cost.
struct IsolationOptions: ParsableArguments {
    enum Boundary: String, ExpressibleByArgument, CaseIterable {
        case process, none
    }

    @Option(
        help: ArgumentHelp(
            "process: each input is decoded in a process of its own that may do nothing else, so that a crash, a bomb or a hang costs one job; none: in this process.",
            valueName: "boundary"))
    var isolation: Boundary = .process

    @Option(
        help: ArgumentHelp(
            "Memory that decoding one input may take, with --isolation process. (default: 4G)",
            valueName: "size"))
    var decodeMemory: ByteSize?

    @Option(
        help: ArgumentHelp(
            "Seconds that decoding one input may take in all, with --isolation process. (default: 3600)",
            valueName: "s"))
    var decodeTimeout: Double?

    @Option(
        help: ArgumentHelp(
            "Seconds without progress after which an input is given up. (default: 30)",
            valueName: "s"))
    var stallTimeout: Double?

    @Option(
        help: ArgumentHelp(
            "Largest picture, in pixels. (default: 67108864)", valueName: "n"))
    var maxInputPixels: Int?

    @Option(
        help: ArgumentHelp(
            "Longest video, in seconds. (default: 172800)", valueName: "s"))
    var maxInputDuration: Double?

    @Option(
        help: ArgumentHelp(
            "Largest input: file, download or fetched file. (default: no limit; 8G where fetched)",
            valueName: "size"))
    var maxInputSize: ByteSize?

    @Option(
        name: .customLong("allow-host"),
        help: ArgumentHelp(
            "A host that http(s) inputs may come from, redirections included; *.example.org allows its subdomains. Can be repeated. (default: any host)",
            valueName: "host"))
    var allowedHosts: [String] = []

    @Option(
        help: ArgumentHelp(
            "A command that fetches inputs of other kinds, such as s3://, gs:// or hdfs://, as in 'aws s3 cp {uri} {path}'. No shell is involved.",
            valueName: "command"),
        transform: { text in
            do {
                return try FetchCommand(text)
            } catch {
                throw ValidationError("\(error)")
            }
        })
    var fetch: FetchCommand?

    @Option(
        help: ArgumentHelp(
            "Seconds that fetching one input may take. (default: 600)", valueName: "s"))
    var fetchTimeout: Double?

    private static let mostSeconds = 1e9

    @Option(help: .hidden) var decoderFault: String?

    func validate() throws {
        let seconds: [(option: String, value: Double?)] = [
            ("--decode-timeout", decodeTimeout), ("--stall-timeout", stallTimeout),
            ("--fetch-timeout", fetchTimeout), ("--max-input-duration", maxInputDuration),
        ]
        for (option, value) in seconds {
            // Deadlines are computed from them, which must not overflow; nan is none of these.
            guard let value, !(value > 0 && value <= Self.mostSeconds) else { continue }
            throw ValidationError(
                "\(option) must be above 0 and at most \(Int(Self.mostSeconds)) seconds, not \(value)."
            )
        }
        guard maxInputPixels ?? 1 > 0, decodeMemory?.bytes ?? .max >= 64 << 20 else {
            throw ValidationError(
                "Limits must be above 0, and --decode-memory at least 64 MiB.")
        }
        if !allowedHosts.isEmpty, isolation == .none {
            throw ValidationError("--allow-host needs --isolation process.")
        }
    }

    /// Puts the limits and the place of decoding into settings.
    func apply(to settings: inout Settings) {
        settings.limits.maximumBytes = maxInputSize?.bytes
        if let maxInputPixels { settings.limits.maximumPixels = maxInputPixels }
        if let maxInputDuration { settings.limits.maximumDuration = maxInputDuration }
        if let stallTimeout { settings.limits.stallSeconds = stallTimeout }
        guard isolation == .process else { return }
        let standard = DecodeBudget()
        settings.decoding = .isolated(
            DecodeWorkers(
                executable: "/proc/self/exe",
                arguments: [DecodeWorkerCommand.configuration.commandName ?? ""]
                    + (decoderFault.map { ["--fault", $0] } ?? []),
                budget: DecodeBudget(
                    memory: decodeMemory?.bytes ?? standard.memory,
                    seconds: decodeTimeout ?? standard.seconds,
                    stallSeconds: stallTimeout.map { $0 + 5 } ?? standard.stallSeconds,
                    allowedHosts: allowedHosts.isEmpty ? nil : allowedHosts)))
    }

    func fetcher() throws(Failure) -> InputFetcher {
        var limits = InputFetcher.Limits()
        if let maxInputSize { limits.bytes = maxInputSize.bytes }
        if let fetchTimeout { limits.seconds = fetchTimeout }
        return try InputFetcher(fetch, limits: limits)
    }
}

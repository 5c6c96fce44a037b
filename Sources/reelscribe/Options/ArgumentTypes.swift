import ArgumentParser
import Logging
import VideoUnderstanding

extension Rational: ExpressibleByArgument {
    public init?(argument: String) {
        // A rate is never negative, and a leading dash is more likely a forgotten value.
        guard !argument.hasPrefix("-") else { return nil }
        self.init(text: argument)
    }
}

extension TimePosition: ExpressibleByArgument {
    public init?(argument: String) { self.init(parsing: argument) }
}

extension ByteSize: ExpressibleByArgument {
    public init?(argument: String) { self.init(parsing: argument) }
    public var defaultValueDescription: String { text }
}

extension SamplingMode: ExpressibleByArgument {}
extension Detail: ExpressibleByArgument {}
extension CutsChoice: ExpressibleByArgument {}
extension RepetitionChoice: ExpressibleByArgument {}
extension SegmentsChoice: ExpressibleByArgument {}
extension ChaptersChoice: ExpressibleByArgument {}
extension LookChoice: ExpressibleByArgument {}
extension GlanceChoice: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
    public var defaultValueDescription: String { "auto" }
    public static var allValueStrings: [String] { ["auto", "all"] }
}
extension PrefixChoice: ExpressibleByArgument {}
extension WeightFormat: ExpressibleByArgument {}
extension KVFormat: ExpressibleByArgument {}
extension Activations: ExpressibleByArgument {}
extension DraftChoice: ExpressibleByArgument {}
extension Benchmark.Part: ExpressibleByArgument {}
extension MRoPERule: ExpressibleByArgument {}
extension ProgressStyle: ExpressibleByArgument {}

/// The levels of the log, as they are typed.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, notice, warning, error, critical

    var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .warning }
}

/// How lines of the log look.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

extension ModelSize: ExpressibleByArgument {}

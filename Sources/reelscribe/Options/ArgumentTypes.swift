import ArgumentParser
import Logging
import VideoUnderstanding

extension Fraction: ExpressibleByArgument {
    public init?(argument: String) { self.init(parsing: argument) }
}

extension TimePosition: ExpressibleByArgument {
    public init?(argument: String) { self.init(parsing: argument) }
}

extension ByteSize: ExpressibleByArgument {
    public init?(argument: String) { self.init(parsing: argument) }
}

extension SamplingRule: ExpressibleByArgument {}
extension DetailLevel: ExpressibleByArgument {}
extension WeightsChoice: ExpressibleByArgument {}
extension PositionRule: ExpressibleByArgument {}
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

/// A published size with random weights.
enum ModelSize: String, ExpressibleByArgument, CaseIterable {
    case two = "2b"
    case seven = "7b"
    case seventyTwo = "72b"
}

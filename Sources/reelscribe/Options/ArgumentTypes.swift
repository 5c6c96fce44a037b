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
extension Logger.Level: @retroactive ExpressibleByArgument {}

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

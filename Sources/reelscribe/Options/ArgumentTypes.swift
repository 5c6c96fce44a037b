import ArgumentParser
import Logging
import VideoUnderstanding

extension Rational: @retroactive ExpressibleByArgument {
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
}

extension SamplingMode: @retroactive ExpressibleByArgument {}
extension Detail: @retroactive ExpressibleByArgument {}
extension WeightsChoice: ExpressibleByArgument {}
extension MRoPERule: @retroactive ExpressibleByArgument {}
extension ProgressStyle: ExpressibleByArgument {}
extension Logger.Level: @retroactive ExpressibleByArgument {}

/// How lines of the log look.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

extension ModelSize: @retroactive ExpressibleByArgument {}

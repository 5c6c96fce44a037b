import Logging
import OrderedJSON
import VideoUnderstanding

/// Log lines on standard error, above the progress bar.
struct StandardErrorLog: LogHandler {
    let label: String
    var logLevel: Logger.Level
    let format: LogFormat
    let meter: ProgressMeter
    var metadata: Logger.Metadata = [:]

    init(label: String, logLevel: Logger.Level, format: LogFormat, meter: ProgressMeter) {
        self.label = label
        self.logLevel = logLevel
        self.format = format
        self.meter = meter
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        switch format {
        case .text:
            let tail = facts.map { " \($0.key)=\($0.value)" }.joined()
            meter.message("reelscribe: \(event.level): \(event.message)\(tail)")
        case .json:
            var object: JSONObject = [
                "event": "log", "level": .string(event.level.rawValue), "label": .string(label),
                "message": .string("\(event.message)"),
            ]
            var tail = JSONObject()
            for fact in facts { tail[fact.key] = .string("\(fact.value)") }
            if !facts.isEmpty { object["metadata"] = .object(tail) }
            meter.message(JSON.object(object).compact)
        }
    }
}

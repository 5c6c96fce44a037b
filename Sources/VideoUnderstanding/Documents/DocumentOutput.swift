import OrderedJSON

/// How a document is laid out.
public enum DocumentLayout: Sendable, Equatable {
    /// One member a line for a single document on a terminal, one document a line elsewhere.
    case automatic
    case pretty, compact

    /// - Parameters:
    ///   - isSingle: the run writes exactly one document.
    ///   - isTerminal: the output is one.
    public func isPretty(isSingle: Bool, isTerminal: Bool) -> Bool {
        switch self {
        case .automatic: isSingle && isTerminal
        case .pretty: true
        case .compact: false
        }
    }
}

/// Writes documents to standard output or a file, each as soon as it is there.
public struct DocumentOutput: ~Copyable {
    private var file: FileOutput
    private let isPretty: Bool

    /// - Parameters:
    ///   - path: nil or `-` for standard output.
    ///   - isSingle: one document, so that a file appears as a whole; several grow line by line.
    public init(
        path: String?, layout: DocumentLayout, isSingle: Bool, isTerminal: Bool
    ) throws(Failure) {
        let toTerminal = isTerminal && (path == nil || path == "-")
        file = try FileOutput(path: path, atomically: isSingle)
        isPretty = layout.isPretty(isSingle: isSingle, isTerminal: toTerminal)
    }

    public mutating func write(_ document: some Document) throws(Failure) {
        try write(text: isPretty ? document.json.pretty : document.json.compact)
    }

    /// Writes a text of its own and ends the line.
    public mutating func write(text: String) throws(Failure) {
        try file.write(text.utf8.last == UInt8(ascii: "\n") ? text : text + "\n")
    }

    public consuming func finish() throws(Failure) { try file.finish() }
}

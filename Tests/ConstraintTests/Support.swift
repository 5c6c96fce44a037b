import Constraint
import Foundation
import OrderedJSON
import Testing
import Text

enum Support {
    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The folder of a tokenizer of some hundred tokens: that of the default model.
    static let smallTokenizer = "\(root)/Samples/model"

    /// The published tokenizer, which lies beside the checkout where it is there at all.
    static let publishedTokenizer: String = {
        let shared = ProcessInfo.processInfo.environment["REELSCRIBE_SHARED"]
        return (shared ?? "\(root)/../shared") + "/assets/tokenizer"
    }()

    static var hasPublishedTokenizer: Bool {
        FileManager.default.fileExists(atPath: publishedTokenizer + "/tokenizer.json")
    }

    static func grammar(_ schema: String, instants: SampledInstants = .placeholder) throws
        -> Grammar
    {
        try Grammar(schema: try JSON.parse(schema), instants: instants)
    }
}

/// One schema with texts that it allows and texts that it does not.
struct KeywordCase: Sendable, CustomTestStringConvertible {
    let schema: String
    let allowed: [String]
    let refused: [String]

    init(_ schema: String, _ allowed: [String], not refused: [String]) {
        self.schema = schema
        self.allowed = allowed
        self.refused = refused
    }

    var testDescription: String { schema }
}

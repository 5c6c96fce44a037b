import Compute

/// What one session adds to a pass through the layers: the rows of some of its sequences.
package struct SessionPart: Sendable {
    /// Of the rows, those of each sequence behind one another.
    let ids: [Int]
    /// Position of the first row of each sequence, and its rows.
    let positions: [(from: Int, tokens: Int)]
    let sequences: [KVSequence]
    let pages: LentPages
    /// Rows of which it is to be told what they attend to, counted from the part's first.
    let watched: [WatchedRow]

    /// Tokens that go through the layers.
    package var rows: Int { ids.count }
}

/// What a pass gives one session.
package struct PartResult: Sendable {
    /// Behind each row, `[rows][vocabulary]`.
    let logits: [[Float]]
    /// Of each watched row, `[heads, pairs]` of each layer that is watched.
    let looks: [[[Float]]]
}

/// Passes that decode tokens of several sessions of one model at once, and read the weights once for
/// all of them. Each session gets what it would get by itself.
package struct JointPass: ~Copyable, Sendable {
    /// Tokens of a pass at most, and tokens that one session can always have.
    package static let rows = KVPages.mostSequences

    private let network: LanguageModel
    private var scratch: LanguageScratch

    /// - Throws: `system(.outOfMemory)`.
    package init(model: Model, pool: ThreadPool) throws(ModelError) {
        network = LanguageModel(model: model, pool: pool)
        do throws(ComputeError) {
            scratch = try LanguageScratch(model.configuration.text, rows: Self.rows)
        } catch {
            throw .system(error)
        }
    }

    /// Bytes that passes of so many rows take.
    package static func byteCount(_ text: TextConfiguration, rows: Int) -> Int {
        let perRow =
            2 * text.hidden + 2 * text.queryWidth + 2 * text.kvWidth + 2 * text.intermediate
            + text.headSize
        return 4 * rows * (perRow + 2 * text.vocabulary)
    }

    /// Runs a pass.
    ///
    /// - Parameter parts: of different sessions of the model, ``rows`` rows together at most.
    /// - Throws: `CancellationError`; no session has got anything then.
    package mutating func decode(_ parts: [SessionPart]) throws -> [PartResult] {
        precondition(parts.reduce(0) { $0 + $1.rows } <= Self.rows, "\(parts.map(\.rows)) rows")
        return try network.decode(parts, scratch: &scratch)
    }
}

extension LanguageModel {
    /// Decodes a few tokens of each of some sessions.
    func decode(
        _ parts: [SessionPart], scratch: inout LanguageScratch
    ) throws -> [PartResult] {
        var row = 0
        for part in parts {
            embed(part.ids[...], at: row, into: &scratch)
            row += part.rows
        }
        let looks = try forward(
            .texts(parts.flatMap(\.positions)),
            parts.map { PassPart(sequences: $0.sequences, pages: $0.pages, watched: $0.watched) },
            use: .fewRows, scratch: &scratch)
        var logits: [Float] = []
        appendLogits(of: 0..<row, use: .fewRows, &scratch, to: &logits)
        let vocabulary = model.configuration.text.vocabulary
        row = 0
        return zip(parts, looks).map { part, looks in
            defer { row += part.rows }
            return PartResult(
                logits: (row..<row + part.rows).map {
                    Array(logits[$0 * vocabulary..<($0 + 1) * vocabulary])
                }, looks: looks)
        }
    }
}

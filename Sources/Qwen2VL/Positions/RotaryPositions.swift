import Imaging

/// How text positions go on after a visual input (spec 5.4).
public enum MRoPERule: String, Sendable, CaseIterable {
    /// After the largest position of any axis: the paper, the training, and the reference library
    /// before version 5.
    case max
    /// After the largest position of height and width, blind to time: the reference library from
    /// version 5.
    case hf5
}

/// A part of a prompt, as far as positions are concerned.
public enum PositionPiece: Sendable, Equatable {
    /// So many tokens of text, the marks around visual inputs included.
    case text(Int)
    /// The pads of one visual input; nil: of all of its tokens.
    case visual(PatchGrid, kept: TokenSelection? = nil)
}

/// Positions of consecutive tokens on the three rotary axes.
public struct RotaryPositions: Sendable, Equatable {
    /// `[tokens]` each.
    public private(set) var time: [Int32] = []
    public private(set) var height: [Int32] = []
    public private(set) var width: [Int32] = []
    /// The position, on all three axes, of the first token decoded after the whole prompt; a part
    /// of a prompt keeps the prompt's value.
    public private(set) var next = 0

    /// Number of tokens.
    public var count: Int { time.count }

    /// `next` less the number of tokens of the whole prompt: token L of the sequence, counted from
    /// 0, is decoded at position L + delta.
    public private(set) var delta = 0

    private init() {}

    /// Positions of a whole prompt.
    ///
    /// - Parameters:
    ///   - pieces: in the order of the prompt.
    ///   - merge: patches per token and axis.
    /// - Precondition: grids divide by `merge`; the planner that made them sees to it.
    /// - Source: spec 5.4.
    public static func of(
        _ pieces: [PositionPiece], merge: Int, rule: MRoPERule
    ) -> RotaryPositions {
        var positions = RotaryPositions()
        var walk = 0
        for piece in pieces {
            switch piece {
            case .text(let tokens):
                positions.appendText(from: walk, tokens: tokens)
                walk += tokens
            case .visual(let grid, let kept):
                precondition(
                    merge > 0 && grid.height % merge == 0 && grid.width % merge == 0
                        && grid.time > 0 && grid.height > 0 && grid.width > 0,
                    "grid \(grid) does not divide by \(merge)")
                let rows = grid.height / merge
                let columns = grid.width / merge
                positions.appendVisual(
                    from: walk, time: grid.time, rows: rows, columns: columns, kept: kept)
                let spatial = Swift.max(rows, columns)
                walk += rule == .max ? Swift.max(grid.time, spatial) : spatial
            }
        }
        positions.delta = positions.next - positions.count
        return positions
    }

    /// Positions of tokens of text alone, the first of them at `position`.
    public static func text(from position: Int, tokens: Int) -> RotaryPositions {
        var positions = RotaryPositions()
        positions.appendText(from: position, tokens: tokens)
        positions.delta = positions.next - positions.count
        return positions
    }

    /// Positions of tokens of text of several sequences, one after the other.
    static func texts(_ texts: [(from: Int, tokens: Int)]) -> RotaryPositions {
        var positions = RotaryPositions()
        for text in texts { positions.appendText(from: text.from, tokens: text.tokens) }
        return positions
    }

    /// The positions of some of the tokens, for a pass over a part of the prompt.
    public subscript(range: Range<Int>) -> RotaryPositions {
        var part = RotaryPositions()
        part.time = Array(time[range])
        part.height = Array(height[range])
        part.width = Array(width[range])
        part.next = next
        part.delta = delta
        return part
    }

    /// The same positions, but with the time axis of some tokens held at the first of them: what a
    /// model can do without knowing when.
    ///
    /// - Parameter ranges: one for each visual input.
    package func withoutTime(in ranges: [Range<Int>]) -> RotaryPositions {
        var flat = self
        for range in ranges where !range.isEmpty {
            let first = time[range.lowerBound]
            flat.time.replaceSubrange(range, with: repeatElement(first, count: range.count))
        }
        return flat
    }

    private mutating func appendText(from position: Int, tokens: Int) {
        precondition(tokens >= 0 && position >= 0, "\(tokens) tokens from \(position)")
        for offset in 0..<tokens {
            append(position + offset, position + offset, position + offset)
        }
        if tokens > 0 { next = Swift.max(next, position + tokens) }
    }

    private mutating func appendVisual(
        from position: Int, time: Int, rows: Int, columns: Int, kept: TokenSelection?
    ) {
        if let kept {
            precondition(
                kept.counts.count == time && kept.tokensPerPair == rows * columns,
                "\(kept.counts.count) pairs of \(kept.tokensPerPair) for \(time)×\(rows)×\(columns)"
            )
            for place in kept.places {
                let (instant, cell) = place.quotientAndRemainder(dividingBy: rows * columns)
                let (row, column) = cell.quotientAndRemainder(dividingBy: columns)
                append(position + instant, position + row, position + column)
            }
        } else {
            for instant in 0..<time {
                for row in 0..<rows {
                    for column in 0..<columns {
                        append(position + instant, position + row, position + column)
                    }
                }
            }
        }
        // Decoding goes on after every position in use, under both rules.
        next = Swift.max(next, position + Swift.max(time, Swift.max(rows, columns)))
    }

    private mutating func append(_ time: Int, _ height: Int, _ width: Int) {
        self.time.append(Int32(time))
        self.height.append(Int32(height))
        self.width.append(Int32(width))
    }
}

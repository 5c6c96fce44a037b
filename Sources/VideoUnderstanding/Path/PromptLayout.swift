import Imaging
import Qwen2VL
import Text

/// A visual input, as far as a prompt has to do with it.
package struct VisualPlace: Sendable, Equatable {
    package var kind: VisualKind
    package var grid: PatchGrid
    /// Nil where all of its tokens are read.
    package var kept: TokenSelection?

    package init(_ kind: VisualKind, _ grid: PatchGrid, kept: TokenSelection? = nil) {
        self.kind = kind
        self.grid = grid
        self.kept = kept
    }

    /// - Parameter merge: patches per token and axis.
    package func tokens(merge: Int) -> Int { kept?.count ?? grid.patches / (merge * merge) }
}

/// A prompt as the model takes it: ids with the pads of its visual inputs in place, and positions.
package struct PromptLayout: Sendable {
    /// `[tokens]`, pads included.
    package let ids: [TokenID]
    /// The pads of each visual input, in order.
    package let visuals: [Range<Int>]
    package let positions: RotaryPositions

    /// - Parameters:
    ///   - pieces: from the chat template; its visual pieces stand for the inputs, in order.
    ///   - places: one for each visual piece.
    /// - Source: spec 5.4 and 6.1.
    package init(
        pieces: [PromptPiece], places: [VisualPlace], configuration: ModelConfiguration,
        rule: MRoPERule, ablation: Ablation? = nil
    ) {
        let merge = configuration.vision.mergeSize
        var ids: [TokenID] = []
        var visuals: [Range<Int>] = []
        var positionPieces: [PositionPiece] = []
        for piece in pieces {
            switch piece {
            case .tokens(let tokens):
                ids += tokens
                positionPieces.append(.text(tokens.count))
            case .visual(let kind, _):
                let place = places[visuals.count]
                let count = place.tokens(merge: merge)
                let pad =
                    kind == .image ? configuration.tokens.imagePad : configuration.tokens.videoPad
                visuals.append(ids.count..<ids.count + count)
                ids += repeatElement(pad, count: count)
                positionPieces.append(.visual(place.grid, kept: place.kept))
            }
        }
        precondition(
            visuals.count == places.count, "\(visuals.count) pieces, \(places.count) inputs")
        self.ids = ids
        self.visuals = visuals
        let positions = RotaryPositions.of(positionPieces, merge: merge, rule: rule)
        self.positions = ablation == .zeroTime ? positions.withoutTime(in: visuals) : positions
    }
}

extension PromptLayout {
    /// How many ids all prompts begin with; each has at least one more.
    ///
    /// - Parameter layouts: not empty, with the same visual inputs at their beginning.
    static func sharedPrefix(of layouts: [PromptLayout]) -> Int {
        var shared = layouts[0].ids.count - 1
        for layout in layouts.dropFirst() {
            let same = zip(layouts[0].ids, layout.ids).prefix { $0 == $1 }.count
            shared = min(shared, same, layout.ids.count - 1)
        }
        return shared
    }
}

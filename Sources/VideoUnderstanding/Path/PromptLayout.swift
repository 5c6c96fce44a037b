import Imaging
import Qwen2VL
import Text

/// A prompt as the model takes it: ids with the pads of its visual inputs in place, and positions.
package struct PromptLayout: Sendable {
    /// `[tokens]`, pads included.
    package let ids: [TokenID]
    /// The pads of each visual input, in order.
    package let visuals: [Range<Int>]
    package let positions: RotaryPositions

    /// - Parameters:
    ///   - pieces: from the chat template; its visual pieces stand for the grids, in order.
    ///   - grids: one for each visual piece.
    /// - Source: spec 5.4 and 6.1.
    package init(
        pieces: [PromptPiece], grids: [PatchGrid], configuration: ModelConfiguration,
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
                let grid = grids[visuals.count]
                let count = grid.patches / (merge * merge)
                let pad =
                    kind == .image ? configuration.tokens.imagePad : configuration.tokens.videoPad
                visuals.append(ids.count..<ids.count + count)
                ids += repeatElement(pad, count: count)
                positionPieces.append(.visual(grid))
            }
        }
        precondition(visuals.count == grids.count, "\(visuals.count) places, \(grids.count) grids")
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

import Imaging
import Qwen2VL

/// Chooses which visual tokens of each pair of frames are read, where the others show what is shown
/// before and after.
///
/// A token stands for a cell of the picture, 28×28 pixels in the published models, in both frames of
/// a pair. A cell shows something new where its pixels differ from what it showed when it last did by
/// more than a share R of the full range: the root mean square over the pixels and colours of a frame,
/// the larger of the two frames. A mean would overlook a cursor, a maximum would take the noise of a
/// codec for news. Since what is compared with stays until it is replaced, a slow change is news as
/// soon as it has come to more than R.
///
/// Read are
/// - all tokens of the first and of the last pair of a model input;
/// - tokens that show something new, and those that show something for the last time: so the model
///   sees from when to when it was there, and not only that it came;
/// - all tokens of a pair of which more than a quarter would be read: of a picture with many holes a
///   model understands less than the holes save;
/// - the token in the middle, where none would be: each pair has its time on the model's time axis
///   only by its tokens.
package struct TokenPruner: Sendable {
    private let bound: Double
    private let geometry: PatchGeometry
    /// Squares of the deviations by which levels were divided, a colour.
    private let weights: [Float]
    private let tokens: Int
    /// The cell in the middle of the picture.
    private let middle: Int
    /// Patch rows of each cell when it last showed something new; empty before the first pair.
    private var known: [Float] = []
    /// Cells of the last pair that show something new; nil: it is the first pair.
    private var news: Set<Int>?
    /// Cells whose tokens are read, in order, of each pair but the last; nil: all.
    package private(set) var cells: [[Int]?] = []

    /// - Parameters:
    ///   - share: R, 0 to 1; 0 leaves out only what is equal.
    ///   - target: size of the frames after resizing.
    package init(_ share: Double, target: PixelSize, model: ModelConfiguration) {
        bound = share * share
        geometry = PatchGeometry(model.vision)
        weights = model.preprocessor.std.map { $0 * $0 }
        let (rows, columns) = (target.height / geometry.factor, target.width / geometry.factor)
        tokens = rows * columns
        middle = rows / 2 * columns + columns / 2
    }

    /// Takes the next pair.
    ///
    /// - Parameter rows: its patch rows; those of a cell follow each other.
    /// - Returns: whether any cell shows something new. Where none does, what is read of the pair may
    ///   be that of the pair before.
    package mutating func add(_ rows: [Float]) -> Bool {
        guard !known.isEmpty else {
            known = rows
            return true
        }
        let size = rows.count / tokens
        let changed = (0..<tokens).filter { cell in
            difference(rows, cell * size..<(cell + 1) * size) > bound
        }
        settle(followedBy: changed)
        news = Set(changed)
        for cell in changed {
            let place = cell * size..<(cell + 1) * size
            known.replaceSubrange(place, with: rows[place])
        }
        return !changed.isEmpty
    }

    /// Ends a model input.
    ///
    /// - Returns: what is read of it.
    package mutating func finish() -> TokenSelection {
        if !known.isEmpty { cells.append(nil) }
        var selection = TokenSelection(tokensPerPair: tokens)
        for cells in cells { selection.append(cells) }
        known = []
        news = nil
        cells = []
        return selection
    }

    /// Decides about the last pair.
    ///
    /// - Parameter next: cells of the pair after it that show something new.
    private mutating func settle(followedBy next: [Int]) {
        guard let news else {
            cells.append(nil)
            return
        }
        let wanted = news.union(next)
        if wanted.isEmpty {
            cells.append(tokens == 1 ? nil : [middle])
        } else {
            cells.append(4 * wanted.count > tokens ? nil : wanted.sorted())
        }
    }

    /// Mean square of the differences in the frame that differs more, the full range being 1.
    private func difference(_ rows: [Float], _ cell: Range<Int>) -> Double {
        let plane = geometry.patchSize * geometry.patchSize
        let frames = geometry.temporalPatchSize
        var sums = [Double](repeating: 0, count: frames)
        rows.withUnsafeBufferPointer { new in
            known.withUnsafeBufferPointer { old in
                for (number, first) in stride(
                    from: cell.lowerBound, to: cell.upperBound, by: plane
                ).enumerated() {
                    var sum: Float = 0
                    for place in first..<first + plane {
                        let step = new[place] - old[place]
                        sum += step * step
                    }
                    // Planes go by colour, and by frame within a colour.
                    let colour = number / frames % weights.count
                    sums[number % frames] += Double(sum * weights[colour])
                }
            }
        }
        return (sums.max() ?? 0) / Double(cell.count / frames)
    }
}

/// What the model would make of pairs of frames, found out without it.
package struct PairCounter: Sendable {
    /// Of one window.
    package struct Count: Sendable, Equatable {
        package var pairs = 0
        /// Pairs that go through the vision tower.
        package var encoded = 0
        /// Which tokens are read; nil: all.
        package var kept: TokenSelection?
    }

    private let preprocessor: PairPreprocessor
    private var pruner: TokenPruner?
    private var count = Count()
    /// Patch rows of the last pair that was to be encoded.
    private var encoded: [Float] = []

    /// - Parameter prune: see `TokenPruner`; nil: all tokens are read.
    package init(prune: Double?, plan: VisualPlan, model: ModelConfiguration) {
        preprocessor = PairPreprocessor(plan, model: model)
        pruner = prune.map { TokenPruner($0, target: plan.target, model: model) }
    }

    package mutating func add(_ first: RGBImage, _ second: RGBImage) {
        let rows = preprocessor.rows(first, second)
        let isNew = pruner?.add(rows) ?? true
        count.pairs += 1
        if isNew, rows != encoded {
            count.encoded += 1
            encoded = rows
        }
    }

    /// Ends a window.
    package mutating func finish() -> Count {
        var finished = count
        count = Count()
        finished.kept = pruner?.finish()
        return finished
    }
}

extension PairPreprocessor {
    /// Pairs of a plan's frames, as a model takes them.
    init(_ plan: VisualPlan, model: ModelConfiguration) {
        self.init(
            source: plan.source, target: plan.target, patch: PatchGeometry(model.vision),
            mean: model.preprocessor.mean, std: model.preprocessor.std)
    }
}

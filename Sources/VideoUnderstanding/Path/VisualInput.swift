import Imaging
import Qwen2VL
import Text
import Video
import VideoIndex

/// One visual input of a prompt, seen and encoded.
package struct VisualInput: Sendable {
    package var kind: VisualKind
    /// The part of the video that it stands for, and the frames in it before a last odd one was
    /// repeated.
    package var window: FrameWindow
    package var grid: PatchGrid
    /// Which of its tokens are read; nil: all.
    package var kept: TokenSelection?
    /// `[tokens, hidden]`; empty where they are left in the memory until they are needed.
    package var embeddings: [Float]
    /// Names of the pairs, in order; empty without a memory.
    package var hashes: [ContentHash] = []
    /// Tokens that are read.
    package var tokens: Int

    package var place: VisualPlace { VisualPlace(kind, grid, kept: kept) }

    package var moments: [SampledMoment] { window.moments }

    /// Some of its pairs as an input of their own; all of them where `pairs` is nil.
    ///
    /// - Precondition: `embeddings` is empty.
    func part(_ pairs: Range<Int>?) -> VisualInput {
        guard let pairs, pairs != 0..<grid.time else { return self }
        precondition(embeddings.isEmpty, "visual tokens that were read already")
        var part = self
        part.window.moments = Array(
            moments[2 * pairs.lowerBound..<min(2 * pairs.upperBound, moments.count)])
        if pairs.lowerBound > 0 { part.window.start = part.moments[0].time }
        if pairs.upperBound < grid.time {
            part.window.next = WindowStart(time: moments[2 * pairs.upperBound].time, isCut: false)
        }
        part.grid = PatchGrid(time: pairs.count, height: grid.height, width: grid.width)
        part.hashes = Array(hashes[pairs])
        if let kept {
            // What the first pair leaves out is in a pair that is not there any more.
            var selection = TokenSelection(tokensPerPair: kept.tokensPerPair)
            for pair in pairs {
                selection.append(pair == pairs.lowerBound ? nil : kept.cells(of: pair))
            }
            part.kept = selection
            part.tokens = selection.count
        } else {
            part.tokens = tokens / grid.time * pairs.count
        }
        return part
    }

    /// From where it begins to where the next begins; to `end` for the last one.
    func range(end: Double) -> TimeRange {
        TimeRange(start: window.start, end: window.next?.time ?? end)
    }

    /// Tokens that were left out; nil where none were to be.
    func dropped(_ options: AnalysisOptions) -> Int? {
        options.prune.map { _ in kept?.dropped ?? 0 }
    }

    /// Attention on each pair, from that on each pair or, where some tokens are left out, on each
    /// token.
    ///
    /// What is left out would have been looked at about as much as what is read of the same cell
    /// before and after it, which shows the same: the mean of the two stands for it.
    package func sharesOfPairs(_ shares: [Double]) -> [Double] {
        guard let kept, shares.count == kept.count else { return shares }
        var sums = [Double](repeating: 0, count: kept.counts.count)
        /// Of each cell, the last pair that was read and its share.
        var last: [(pair: Int, share: Double)?] = .init(repeating: nil, count: kept.tokensPerPair)
        for (place, share) in zip(kept.places, shares) {
            let (pair, cell) = place.quotientAndRemainder(dividingBy: kept.tokensPerPair)
            if let last = last[cell] {
                for between in last.pair + 1..<pair { sums[between] += (last.share + share) / 2 }
            }
            sums[pair] += share
            last[cell] = (pair, share)
        }
        return sums
    }
}

/// Turns pairs of frames into visual tokens, a bounded number of pairs at a time.
///
/// A pair whose patches are those of the pair before, as where nothing moves, shares its visual
/// tokens: the vision tower sees each pair by itself, so that they would come out the same. So does,
/// with `--prune`, a pair in which nothing has changed enough to be read.
package struct VisualInputBuilder {
    private let encoder: VisionEncoder
    private let preprocessor: PairPreprocessor
    private let target: PixelSize
    private let geometry: PatchGeometry
    private let pairsPerPass: Int
    private let hidden: Int
    /// Set where the order of frames is to be lost.
    private let shuffle: UInt64?
    /// Sees every batch of patch rows before it is encoded; for traces.
    private let tap: (([Float]) -> Void)?
    private let memory: VideoMemory?
    /// Says when the model may compute, where jobs share it.
    private let seat: DecodingSeat?
    private var pruner: TokenPruner?
    /// Embeddings of a pair of which is not known yet what is read, and the pairs before it.
    private var pending: [Float] = []
    private var placed = 0
    /// Names of the pairs of this input, and of those that wait.
    private var hashes: [ContentHash] = []
    private var waitingHashes: [ContentHash] = []
    /// Patch rows of the pairs that wait to be encoded, those that repeat left out.
    private var rows: [Float] = []
    private var waiting = 0
    /// For each pair since the last pass, its place among those that wait; -1: as the last pair that
    /// was encoded.
    private var order: [Int] = []
    private var encoded: (rows: [Float], embedding: [Float])?
    private var pairs = 0
    private var embeddings: [Float] = []
    /// Pairs that the vision tower was spared, as they repeat, or as they were remembered.
    package private(set) var shared = 0
    package private(set) var recalled = 0

    package init(
        encoder: VisionEncoder, plan: VisualPlan, model: ModelConfiguration, prune: Double? = nil,
        ablation: Ablation? = nil, memory: VideoMemory? = nil, seat: DecodingSeat? = nil,
        tap: (([Float]) -> Void)? = nil
    ) {
        self.encoder = encoder
        self.seat = seat
        // What was spoilt on purpose is not worth remembering.
        self.memory = ablation == nil && tap == nil ? memory : nil
        hidden = model.text.hidden
        target = plan.target
        self.tap = tap
        geometry = PatchGeometry(model.vision)
        preprocessor = PairPreprocessor(plan, model: model)
        pruner = prune.map { TokenPruner($0, target: plan.target, model: model) }
        pairsPerPass = max(1, VisionEncoder.chunkRows / preprocessor.patches)
        if case .shuffleFrames(let seed) = ablation { shuffle = seed } else { shuffle = nil }
    }

    /// Takes the next pair.
    package mutating func add(
        _ first: RGBImage, _ second: RGBImage, timing: inout TimingRecord
    ) throws {
        let preprocessor = preprocessor
        let new = timing.measure(\.preprocess) { preprocessor.rows(first, second) }
        pairs += 1
        // The order in which shuffled frames are encoded is not known yet.
        if shuffle == nil { tap?(new) }
        var isNew = true
        if pruner != nil { isNew = timing.measure(\.preprocess) { pruner?.add(new) ?? true } }
        var hash: ContentHash?
        if memory != nil {
            // What is shared has the name of what it shares.
            if isNew || hashes.isEmpty {
                let grid = grid(of: 1)
                hash = try timing.measure(\.preprocess) {
                    try VideoMemory.name(ofRows: new, grid: grid)
                }
            } else {
                hash = hashes.last
            }
            if let hash { hashes.append(hash) }
        }
        guard isNew, !repeats(new) else {
            order.append(waiting - 1)
            shared += 1
            return
        }
        if let hash {
            if try recall(hash, new, &timing) { return }
            waitingHashes.append(hash)
        }
        order.append(waiting)
        rows += new
        waiting += 1
        // A shuffle needs every frame of the input before the first can be encoded.
        if waiting == pairsPerPass, shuffle == nil { try flush(pairs: waiting, &timing) }
    }

    /// Takes the visual tokens of a pair from the memory.
    ///
    /// - Returns: false where they are not there.
    private mutating func recall(
        _ hash: ContentHash, _ new: [Float], _ timing: inout TimingRecord
    ) throws -> Bool {
        let grid = grid(of: 1)
        let tokens = grid.patches / (geometry.mergeSize * geometry.mergeSize)
        guard let known = try memory?.tokens(of: hash, count: tokens * hidden) else { return false }
        if waiting > 0 { try flush(pairs: waiting, &timing) }
        place([], pairs: 0)
        append(known[...])
        encoded = (new, known)
        recalled += 1
        return true
    }

    /// Ends the input and starts the next one.
    package mutating func finish(
        kind: VisualKind, window: FrameWindow, timing: inout TimingRecord
    ) throws -> VisualInput {
        if let shuffle {
            FrameShuffle(frames: 2 * waiting, seed: shuffle).apply(
                to: &rows, patches: preprocessor.patches, geometry: geometry)
        }
        while waiting > 0 { try flush(pairs: min(waiting, pairsPerPass), &timing) }
        place([], pairs: 0)
        let grid = grid(of: pairs)
        let tokens = grid.patches / (geometry.mergeSize * geometry.mergeSize)
        let kept = pruner?.finish()
        if let kept { settle(kept.cells(of: pairs - 1)) }
        defer {
            embeddings = []
            hashes = []
            pairs = 0
            placed = 0
        }
        return VisualInput(
            kind: kind, window: window, grid: grid, kept: kept, embeddings: embeddings,
            hashes: hashes, tokens: kept?.count ?? tokens)
    }

    /// Encodes the first `pairs` of the pairs that wait.
    private mutating func flush(pairs: Int, _ timing: inout TimingRecord) throws {
        let count = pairs * preprocessor.valueCount
        let batch = pairs == waiting ? rows : Array(rows[..<count])
        let (encoder, grid) = (encoder, grid(of: pairs))
        if shuffle != nil { tap?(batch) }
        seat?.beginComputing()
        defer { seat?.endComputing() }
        let new = try timing.measure(\.vision) { try encoder.encode(batch, grid: grid) }
        if let memory {
            let size = new.count / pairs
            try memory.keep(
                waitingHashes.prefix(pairs).enumerated().map { index, hash in
                    (hash, new[index * size..<(index + 1) * size])
                })
            waitingHashes.removeFirst(pairs)
        }
        place(new, pairs: pairs)
        encoded = (
            Array(batch.suffix(preprocessor.valueCount)), Array(new.suffix(new.count / pairs))
        )
        rows.removeFirst(count)
        waiting -= pairs
    }

    /// Whether the patches of a pair are those of the pair before. Never where all of them are to
    /// be seen, or to change places.
    private func repeats(_ new: [Float]) -> Bool {
        guard tap == nil, shuffle == nil else { return false }
        guard waiting > 0 else { return encoded?.rows == new }
        return rows.suffix(preprocessor.valueCount).elementsEqual(new)
    }

    /// Puts the embeddings of the first `pairs` that waited where they belong.
    private mutating func place(_ new: [Float], pairs: Int) {
        let size = pairs == 0 ? 0 : new.count / pairs
        let ready = order.prefix { $0 < pairs }
        for index in ready {
            if index >= 0 {
                append(new[index * size..<(index + 1) * size])
            } else if let encoded {
                append(encoded.embedding[...])
            }
        }
        order = order.dropFirst(ready.count).map { $0 - pairs }
    }

    /// Puts the next pair behind the pairs before.
    ///
    /// - Parameter pair: embeddings of all of its tokens.
    private mutating func append(_ pair: ArraySlice<Float>) {
        guard let pruner else {
            embeddings += pair
            return
        }
        if !pending.isEmpty { settle(pruner.cells[placed]) }
        pending = Array(pair)
    }

    /// Puts what is read of the pair that waits behind the pairs before.
    private mutating func settle(_ cells: [Int]?) {
        if let cells {
            for cell in cells { embeddings += pending[cell * hidden..<(cell + 1) * hidden] }
        } else {
            embeddings += pending
        }
        pending = []
        placed += 1
    }

    private func grid(of pairs: Int) -> PatchGrid { geometry.grid(of: target, pairs: pairs) }
}

extension PatchGeometry {
    /// The geometry of a model's patches.
    package init(_ vision: VisionConfiguration) {
        self.init(
            patchSize: vision.patchSize, temporalPatchSize: vision.temporalPatchSize,
            mergeSize: vision.mergeSize, channels: vision.channels)
    }
}

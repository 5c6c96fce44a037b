import Compute
import Imaging
import Qwen2VL

/// Bytes that the path needs at most at a time, from sizes alone.
///
/// What is counted is what the system counts as resident: pages that were written, and pages of
/// mapped weights, which are all read.
package struct MemoryModel: Sendable, Equatable {
    /// One model input.
    package struct Input: Sendable, Equatable {
        /// Of prompt and answer.
        package var tokens: Int
        package var visualTokens: Int
        package var patchesPerPair: Int
        /// Pairs that go through the vision tower; nil: as many as there may be.
        package var encodedPairs: Int?

        package init(
            tokens: Int, visualTokens: Int, patchesPerPair: Int, encodedPairs: Int? = nil
        ) {
            self.tokens = tokens
            self.visualTokens = visualTokens
            self.patchesPerPair = patchesPerPair
            self.encodedPairs = encodedPairs
        }
    }

    private let configuration: ModelConfiguration
    /// All weights; mapped, but needed in memory to run at speed.
    package let weights: Int

    package init(_ configuration: ModelConfiguration, weightBytes: Int) {
        self.configuration = configuration
        weights = weightBytes
    }

    /// Keys and values of so many tokens.
    package func cache(tokens: Int, kv: KVFormat) -> Int {
        configuration.text.cacheBytes(tokens: tokens, kv: kv)
    }

    /// What is in use beside keys and values where most is: while pairs are encoded, or while the
    /// language model reads. Visual tokens wait in both.
    package func scratch(_ input: Input, cache: Int) -> Int {
        let most = max(encoding(input), cache + reading(input.tokens))
        return Self.small + visual(input) + panels(input) + most - cache
    }

    /// What is in use at most beside the keys and values of windows that are described together: the
    /// activations of the language model stay while the next window is encoded.
    package func besideGroup(_ input: Input) -> Int {
        Self.small + visual(input) + panels(input) + encoding(input) + reading(input.tokens)
    }

    /// Keys and values of windows that are described together, and what is in use beside them where
    /// most is. Each is encoded and read while those of the windows before it are kept, and the
    /// activations of the language model with them.
    ///
    /// - Parameter next: the window after them, where it is encoded before their texts are written.
    package func group(
        _ windows: [Input], next: Input? = nil, kv: KVFormat
    ) -> (cache: Int, scratch: Int) {
        var (held, active, most) = (0, 0, 0)
        for window in windows {
            let seen = visual(window) + panels(window)
            most = max(most, held + active + seen + encoding(window))
            held += cache(tokens: window.tokens, kv: kv)
            active = max(active, reading(window.tokens))
            most = max(most, held + active + seen)
        }
        // Logits are there twice: as they come, and while a token is chosen. Those of one are counted.
        let logits = 8 * max(0, windows.count - 1) * configuration.text.vocabulary
        most = max(most, held + active + logits + (windows.last.map(visual) ?? 0))
        if let next {
            most = max(most, held + active + visual(next) + panels(next) + encoding(next))
        }
        return (held, Self.small + most - held)
    }

    private func visual(_ input: Input) -> Int {
        4 * input.visualTokens * configuration.text.hidden
    }

    /// Code that only a run of the model reads, lists of tokens, the document: measured.
    private static let small = 3_300_000

    /// Activations of one chunk of the language model, and logits.
    private func reading(_ tokens: Int) -> Int {
        let text = configuration.text
        let rows = min(tokens, Session.chunk)
        let perRow =
            2 * text.hidden + 2 * text.queryWidth + 2 * text.kvWidth + 2 * text.intermediate
            + text.headSize
        return 4 * (rows * perRow + 4 * text.vocabulary)
    }

    /// Patch rows and activations of one pass of the vision tower, and the rows of three more pairs:
    /// the one that comes in, the last of the pass before, and a copy on the way.
    private func encoding(_ input: Input) -> Int {
        guard input.patchesPerPair > 0 else { return 0 }
        let vision = configuration.vision
        let rows = passRows(input)
        let merged = vision.mergeSize * vision.mergeSize
        let perRow = vision.patchVolume + 5 * vision.width + vision.headSize
        return 4
            * (rows * perRow + 2 * rows / merged * vision.output
                + 3 * input.patchesPerPair * vision.patchVolume)
    }

    private func passRows(_ input: Input) -> Int {
        let most = max(1, VisionEncoder.chunkRows / max(1, input.patchesPerPair))
        return min(input.encodedPairs ?? most, most) * input.patchesPerPair
    }

    /// The copy of a kernel's input in the order in which it is read, kept for the next: rows of a
    /// product, or keys and values of a pair.
    private func panels(_ input: Input) -> Int {
        let (text, vision) = (configuration.text, configuration.vision)
        let rows = passRows(input)
        let merged = vision.mergeSize * vision.mergeSize
        let seen =
            [
                Self.product(rows, vision.mlpWidth), Self.product(rows, vision.patchVolume),
                Self.product(rows / merged, vision.mergedWidth),
                (input.patchesPerPair + 167) / 168 * 168 * 2 * vision.width,
            ].max() ?? 0
        let read = Self.product(min(input.tokens, Session.chunk), text.intermediate)
        return min(64 << 20, 4 * max(input.patchesPerPair > 0 ? seen : 0, read))
    }

    /// Numbers of the rows that a kernel takes at a time: 640 at most, 336 of many columns, as equal
    /// parts as can be.
    private static func product(_ rows: Int, _ columns: Int) -> Int {
        guard rows > 0 else { return 0 }
        let most = columns > 4096 ? 336 : 640
        let blocks = (rows + most - 1) / most
        return (rows + blocks - 1) / blocks * columns
    }

    /// The decoder and its pictures, more than most videos take: those that it keeps for reference and
    /// in flight, those that wait while a cut is in doubt, and some as RGB. The number of threads,
    /// which has a part in it, is left out, so that no limit depends on it.
    package func frames(of size: PixelSize) -> Int {
        16 * size.area * 3 / 2 + 4 * 3 * size.area + 28_000_000
    }

    /// What the program is before anything else: code, libraries, the tokenizer.
    package var program: Int { 56_000_000 + 140 * configuration.text.vocabulary }
}

extension Model {
    /// Bytes of the weights that a decoded token reads: all of the language model but the
    /// embedding, of which it reads a row.
    package var decodeWeightBytes: Int {
        language.layers.reduce(language.head.byteCount) { sum, layer in
            sum
                + [layer.q, layer.k, layer.v, layer.o, layer.gate, layer.up, layer.down]
                .reduce(0) { $0 + $1.weight.byteCount + 4 * $1.bias.count }
        }
    }

    /// Bytes of all weights that are read in full; a tied head is counted once, and an embedding
    /// that is not the head only where it is not mapped from a file.
    package var weightBytes: Int {
        let tower = vision.blocks.reduce(0) { sum, block in
            sum
                + [block.qkv, block.proj, block.fc1, block.fc2]
                .reduce(0) { $0 + $1.weight.byteCount + 4 * $1.bias.count }
        }
        let isHead = language.embedding.storage === language.head.storage
        let isMapped = language.embedding.storage is MappedFile
        let embedding = isHead || isMapped ? 0 : language.embedding.byteCount
        return decodeWeightBytes + tower + embedding
            + vision.patchEmbedding.byteCount + vision.merger0.weight.byteCount
            + vision.merger2.weight.byteCount
    }

    /// Bytes of matrices that are no part of a mapped file: they were converted when the model was
    /// loaded, and are in memory already.
    package var ownedBytes: Int {
        let layers = language.layers.flatMap { [$0.q, $0.k, $0.v, $0.o, $0.gate, $0.up, $0.down] }
        let blocks = vision.blocks.flatMap { [$0.qkv, $0.proj, $0.fc1, $0.fc2] }
        let isTied = language.embedding.storage === language.head.storage
        let matrices =
            (layers + blocks + [vision.merger0, vision.merger2]).map(\.weight)
            + [vision.patchEmbedding, language.head] + (isTied ? [] : [language.embedding])
        return matrices.reduce(0) { $0 + ($1.storage is MappedFile ? 0 : $1.byteCount) }
    }
}

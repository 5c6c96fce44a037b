import Compute
import Imaging
import Qwen2VL
import Video

/// Bytes that the path needs, from sizes alone.
package struct MemoryModel: Sendable, Equatable {
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

    /// Activations of one chunk of prefill, logits and visual tokens.
    package func prefillScratch(tokens: Int) -> Int {
        let text = configuration.text
        let rows = min(tokens, Session.chunk)
        let perRow =
            3 * text.hidden + 2 * text.queryWidth + 2 * text.kvWidth + 2 * text.intermediate
        return 4 * (rows * perRow + tokens * text.hidden + 3 * text.vocabulary)
    }

    /// Patch rows and activations of one pass of the vision tower over pairs of so many patches, and
    /// the rows of the last pair of the pass before.
    package func visionScratch(patchesPerPair: Int) -> Int {
        let vision = configuration.vision
        let rows = max(patchesPerPair, VisionEncoder.chunkRows)
        let perRow = 2 * vision.patchVolume + 6 * vision.width + vision.mlpWidth
        return 4 * (rows * perRow + patchesPerPair * vision.patchVolume)
    }

    /// Decoded pictures: those that the decoder keeps for reference and in flight, those that wait
    /// while a cut is in doubt, and two as RGB.
    package func frames(of size: PixelSize, threads: Int) -> Int {
        let decoded = size.area * 3 / 2
        return decoded * (8 + CutDetector.lookahead + 2 * threads) + 2 * 3 * size.area
    }

    /// What the program needs before anything else: code, tokenizer, libraries.
    package static let base = 48 << 20
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
}

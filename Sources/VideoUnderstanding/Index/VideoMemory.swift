import Compute
import Imaging
import Qwen2VL
import Text
import Video
import VideoIndex

/// A source of visual tokens, prefixes and summaries that were made before, and a place for those
/// that are made now.
///
/// Everything goes by the hash of what it was made from. So nothing is found for other pixels,
/// other words or another model, and work that was interrupted finds what it had done.
package struct VideoMemory: Sendable {
    let file: IndexFile
    /// Whether prefixes that are read anew are kept.
    var keepsPrefixes = false

    package init(_ file: IndexFile) { self.file = file }

    /// The name of a pair of frames: of its patch rows, that is of its pixels after resizing.
    static func name(ofRows rows: [Float], grid: PatchGrid) throws -> ContentHash {
        var digest = try ContentDigest()
        digest.add("pixels")
        digest.add(grid.height)
        digest.add(grid.width)
        digest.add(rows)
        return digest.finish()
    }

    /// The visual tokens of a pair; nil where they are not there. Where those of an index that is
    /// being made are damaged, they are made again.
    func tokens(of hash: ContentHash, count: Int) throws -> [Float]? {
        do throws(IndexError) {
            return try file.tokens(of: hash, count: count)
        } catch {
            guard file.isWritable, case .damaged = error else { throw error }
            return nil
        }
    }

    func keep(_ pairs: [(hash: ContentHash, tokens: ArraySlice<Float>)]) throws {
        if file.isWritable { try file.keep(pairs) }
    }

    /// The visual tokens of a whole input that are read.
    ///
    /// - Throws: `damaged` where those of a pair are not there.
    func embeddings(of visual: VisualInput, hidden: Int) throws -> [Float] {
        let tokensPerPair =
            visual.kept?.tokensPerPair ?? visual.tokens / max(1, visual.grid.time)
        let count = tokensPerPair * hidden
        let lost = IndexError.damaged(path: file.path, what: "visual tokens are missing")
        var numbers: [Float] = []
        numbers.reserveCapacity(visual.tokens * hidden)
        guard let kept = visual.kept else {
            for hash in visual.hashes
            where try !file.appendTokens(of: hash, count: count, to: &numbers) { throw lost }
            return numbers
        }
        var places = kept.places[...]
        for (pair, hash) in visual.hashes.enumerated() where kept.counts[pair] > 0 {
            guard let tokens = try file.tokens(of: hash, count: count) else { throw lost }
            for place in places.prefix(kept.counts[pair]) {
                let start = (place - pair * tokensPerPair) * hidden
                numbers += tokens[start..<start + hidden]
            }
            places = places.dropFirst(kept.counts[pair])
        }
        return numbers
    }
}

extension Model {
    /// Which numbers this model gives: its weights, how they are stored, and what they are multiplied
    /// with.
    func indexKey(_ activations: Activations) -> String {
        let key = "\(fingerprint) \(format.rawValue) \(visionFormat.rawValue)"
        // Indexes from before there was a choice stay as they are.
        return activations == .full ? key : "\(key) \(activations.rawValue)"
    }
}

extension Analyzer {
    /// Which numbers this analyzer gives.
    var indexKey: String { model.indexKey(pool.activations) }

    /// What of the settings an index depends on, as it has it.
    func indexSettings(_ settings: Settings) -> String {
        var settings = settings
        // This decides, whatever is asked for.
        settings.activations = pool.activations
        return IndexSettings.json(settings, model: model.configuration).compact
    }

    /// The name of what a session remembers of the tokens before `end`.
    func prefixKey(
        _ layout: PromptLayout, _ end: Int, _ visual: VisualInput, kv: KVFormat
    ) throws -> ContentHash {
        let positions = layout.positions[0..<end]
        var digest = try ContentDigest()
        // The name changes with the layout of what is kept.
        digest.add("prefix in pages")
        digest.add(kv.rawValue)
        digest.add(indexKey)
        digest.add(Array(layout.ids[..<end]))
        digest.add(positions.time)
        digest.add(positions.height)
        digest.add(positions.width)
        digest.add(visual.grid.time)
        digest.add(visual.grid.height)
        digest.add(visual.grid.width)
        for hash in visual.hashes { digest.add(hash) }
        return digest.finish()
    }

    /// The name of what the model writes behind a prompt.
    func textKey(
        _ layout: PromptLayout, _ visual: VisualInput, _ options: AnalysisOptions
    ) throws -> ContentHash {
        let sampling = options.tokenSampling
        var digest = try ContentDigest()
        digest.add("text")
        digest.add(
            try prefixKey(layout, layout.visuals[0].upperBound, visual, kv: options.kv))
        digest.add(layout.ids)
        digest.add(options.mrope.rawValue)
        digest.add(sampling.sample ? 1 : 0)
        digest.add(Double(sampling.repetitionPenalty))
        digest.add(Double(sampling.temperature))
        digest.add(sampling.topK)
        digest.add(Double(sampling.topP))
        digest.add(Int(bitPattern: UInt(sampling.seed)))
        digest.add(options.maxNewTokens)
        // Such a text has times of its own in it, that pictures alone do not tell.
        if options.segments == .events {
            for moment in visual.window.moments { digest.add(moment.time) }
        }
        return digest.finish()
    }

    /// Reads the system prompt and the video into an empty session, or recalls what such a session
    /// remembered.
    ///
    /// - Returns: the key of the prefix, where it is kept.
    @discardableResult
    func readVideo(
        _ layout: PromptLayout, _ visual: VisualInput, into session: inout Session,
        memory: VideoMemory?, timing: inout TimingRecord
    ) throws -> ContentHash? {
        let end = layout.visuals[0].upperBound
        guard let memory else {
            _ = try read(layout, 0..<end, visuals: [visual], into: &session, timing: &timing)
            return nil
        }
        let key = try prefixKey(layout, end, visual, kv: session.kv)
        let parts = model.configuration.text.memoryParts(tokens: end, kv: session.kv)
        let start = ContinuousClock.now
        let isKnown = try memory.file.prefix(
            key, tokens: end, parts: parts.map(\.byteCount)
        ) { number, bytes in
            session.restore(parts[number], from: bytes)
        }
        timing.prefill += (ContinuousClock.now - start).seconds
        if isKnown {
            session.resume(after: end)
            return key
        }
        var visual = visual
        if visual.embeddings.isEmpty {
            visual.embeddings = try memory.embeddings(
                of: visual, hidden: model.configuration.text.hidden)
        }
        _ = try read(layout, 0..<end, visuals: [visual], into: &session, timing: &timing)
        guard memory.file.isWritable, memory.keepsPrefixes else { return nil }
        session.tidy()
        try memory.file.keepPrefix(key, tokens: end, parts: parts.count) { number, take in
            try session.withBytes(of: parts[number], take)
        }
        return key
    }
}

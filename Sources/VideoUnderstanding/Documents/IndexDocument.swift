import OrderedJSON
import VideoIndex

/// `reelscribe/index@1`: what an index holds.
public struct IndexDocument: Document {
    public static let kind = DocumentKind.index

    let index: IndexedVideo
    let counts: IndexCounts
    /// Pairs of frames that were looked at while it was made, and those of them that were known.
    let pairsSeen: Int?
    let pairsReused: Int?
    /// A hash of all that was read and found sound; nil where nothing was checked.
    let content: String?

    init(
        _ index: IndexedVideo, counts: IndexCounts, pairsSeen: Int? = nil,
        pairsReused: Int? = nil, content: String? = nil
    ) {
        self.index = index
        self.counts = counts
        self.pairsSeen = pairsSeen
        self.pairsReused = pairsReused
        self.content = content
    }

    /// Reads all of an index and holds it against its checksums.
    ///
    /// - Throws: `Failure`; `index.damaged` names what was found first.
    public static func verifying(_ index: IndexedVideo) throws(Failure) -> IndexDocument {
        do {
            let (counts, content) = try index.file.verify()
            for name in ReadingName.allCases { _ = try index.find(name) }
            return IndexDocument(index, counts: counts, content: content.text)
        } catch {
            throw Failure(error, stage: .open)
        }
    }

    public var json: JSON {
        let header = index.header
        var members = ObjectBuilder(Self.kind)
        members.add("file", index.file.path)
        members.add("bytes", index.file.byteCount)
        members.add("video", ["uri": .string(header.uri), "sha256": .string(header.content)])
        members.add("model", ["name": .string(header.modelName), "key": .string(header.model)])
        members.add("settings", (try? JSON.parse(header.settings)) ?? .null)
        members.add("windows", counts.windows)
        members.add("pairs", counts.pairs)
        members.add("summaries", counts.summaries)
        members.add("prefixes", counts.prefixes)
        members.add("token_bytes", counts.tokenBytes)
        members.add("prefix_bytes", counts.prefixBytes)
        members.add("pairs_seen", ifPresent: pairsSeen.map(JSON.int))
        members.add("pairs_reused", ifPresent: pairsReused.map(JSON.int))
        members.add("content", ifPresent: content.map(JSON.string))
        members.add("tool", ToolRecord.current.json)
        return members.json
    }
}

import Compute
import Imaging
import OrderedJSON
import Qwen2VL
import Testing

@Suite struct PositionsTests {
    /// `A B <vs> V×6 <ve> C <vs> I×6 <ve> D` of the specification, section 5.4.
    private static let example: [PositionPiece] = [
        .text(3), .visual(PatchGrid(time: 3, height: 2, width: 4)), .text(3),
        .visual(PatchGrid(time: 1, height: 4, width: 6)), .text(2),
    ]

    @Test func workedExample() {
        let positions = RotaryPositions.of(Self.example, merge: 2, rule: .max)
        #expect(
            positions.time == [0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 9, 9, 9, 9, 9, 12, 13])
        #expect(
            positions.height == [0, 1, 2, 3, 3, 3, 3, 3, 3, 6, 7, 8, 9, 9, 9, 10, 10, 10, 12, 13])
        #expect(
            positions.width == [0, 1, 2, 3, 4, 3, 4, 3, 4, 6, 7, 8, 9, 10, 11, 9, 10, 11, 12, 13])
        #expect(positions.delta == -6)
        #expect(positions.next == 14)
    }

    /// Tokens that are read keep their positions, and what follows the video keeps its own.
    @Test(arguments: MRoPERule.allCases)
    func tokensThatAreLeftOutLeaveTheirPlace(rule: MRoPERule) {
        var kept = TokenSelection(tokensPerPair: 2)
        kept.append(nil)
        kept.append([1])
        kept.append([0])
        var pieces = Self.example
        pieces[1] = .visual(PatchGrid(time: 3, height: 2, width: 4), kept: kept)
        let whole = RotaryPositions.of(Self.example, merge: 2, rule: rule)
        let some = RotaryPositions.of(pieces, merge: 2, rule: rule)
        let places = [0, 1, 2, 3, 4, 6, 7] + Array(9..<20)
        #expect(some.time == places.map { whole.time[$0] })
        #expect(some.height == places.map { whole.height[$0] })
        #expect(some.width == places.map { whole.width[$0] })
        #expect(some.next == whole.next)
        #expect(some.delta == whole.delta + 2)
        #expect(kept.counts == [2, 1, 1] && kept.count == 4 && kept.dropped == 2)
    }

    /// Pairs that are left out whole leave their places, too; what a stretch takes over from before it
    /// is what it shows itself.
    @Test func stretchesShowWhatTheyShowed() {
        var kept = TokenSelection(tokensPerPair: 3)
        kept.append(nil)
        kept.append([1])
        kept.append([0])
        kept.append([2])
        kept.append([0, 1])
        // Of pair 3: cell 0 of pair 2, cell 1 of pair 1, and its own.
        let some = kept.showing([3..<5])
        #expect(some.places == [4, 6, 11, 12, 13])
        #expect(some.counts == [0, 1, 1, 1, 2])
        #expect(kept.showing([0..<1, 2..<3]).places == [0, 1, 2, 4, 6])
        #expect(kept.showing([0..<5]) == kept)
        #expect(kept.showing([]).count == 0)
        let all = TokenSelection(all: 4, tokensPerPair: 2)
        #expect(all.showing([1..<2, 3..<4]).places == [2, 3, 6, 7])
    }

    @Test func workedExampleOfTheNewerRule() {
        let positions = RotaryPositions.of(Self.example, merge: 2, rule: .hf5)
        #expect(Array(positions.time[9...]) == [5, 6, 7, 8, 8, 8, 8, 8, 8, 11, 12])
        #expect(positions.delta == -7)
        #expect(positions.next == 13)
    }

    /// Under the newer rule a video at the end leaves positions in use beyond where the walk
    /// stands; decoding must still start after all of them.
    @Test func decodingStartsAfterALongVideo() {
        let pieces: [PositionPiece] = [.visual(PatchGrid(time: 9, height: 2, width: 2)), .text(1)]
        let positions = RotaryPositions.of(pieces, merge: 2, rule: .hf5)
        #expect(positions.time.last == 1)
        #expect(positions.next == 9)
        #expect(positions.delta == -1)
    }

    @Test func emptyAndTextOnly() {
        #expect(RotaryPositions.of([], merge: 2, rule: .max).next == 0)
        let text = RotaryPositions.of([.text(2), .text(0), .text(1)], merge: 2, rule: .max)
        #expect(text.time == [0, 1, 2])
        #expect(text.time == text.height && text.time == text.width)
        #expect(text == RotaryPositions.text(from: 0, tokens: 3))
        #expect(text.delta == 0)
    }

    /// A pass over a part of the prompt must not move what comes after the whole.
    @Test func partsKeepTheWholesEnd() {
        let whole = RotaryPositions.of(Self.example, merge: 2, rule: .max)
        let part = whole[5..<10]
        #expect(part.count == 5)
        #expect(part.time == [4, 4, 5, 5, 6])
        #expect(part.width == [3, 4, 3, 4, 6])
        #expect(part.next == whole.next && part.delta == whole.delta)
    }

    private static let cases = [
        "image-and-video", "image-exact", "image-resized", "portrait-upscaled",
        "repetition-penalty", "stop-token", "two-videos", "unicode-system", "video-4-frames",
        "video-long-hf5", "video-long-max", "video-odd-padded", "video-odd-sampled",
    ]

    /// Every case of the reference implementation, from its ids and grids.
    @Test(
        .enabled(if: SharedFiles.isThere, "the reference cases are not beside the repository"),
        arguments: cases)
    func reference(name: String) throws {
        let folder = SharedFiles.reference + "/cases/" + name
        let json = MappedBytes.array(try MappedFile(path: folder + "/case.json"))
        let description = try JSON.parse(json)
        let rule = try #require(description["mrope"]?.string.flatMap(MRoPERule.init(rawValue:)))
        let checkpoint = try #require(description["checkpoint"]?.string)
        let model = try ModelInfo.read(folder: SharedFiles.reference + "/" + checkpoint)
        let pads: Set = [
            model.configuration.tokens.imagePad, model.configuration.tokens.videoPad,
        ]
        let golden = try Golden(path: folder + "/golden.safetensors")
        let ids = try golden.integers("input_ids")
        let flat = try golden.integers("grid_thw")
        var grids = stride(from: 0, to: flat.count, by: 3).map {
            PatchGrid(time: flat[$0], height: flat[$0 + 1], width: flat[$0 + 2])
        }[...]

        let merge = model.configuration.vision.mergeSize
        var pieces: [PositionPiece] = []
        var index = 0
        while index < ids.count {
            if pads.contains(ids[index]), let grid = grids.popFirst() {
                pieces.append(.visual(grid))
                index += grid.patches / (merge * merge)
            } else {
                pieces.append(.text(1))
                index += 1
            }
        }
        let positions = RotaryPositions.of(pieces, merge: merge, rule: rule)
        let found = (positions.time + positions.height + positions.width).map { Int($0) }
        #expect(found == (try golden.integers("position_ids")))
        #expect(positions.delta == description["facts"]?["rope_delta"]?.int)
        #expect(grids.isEmpty)
    }
}

/// Whole-number tensors of a golden file.
struct Golden {
    private let tensors: [StoredTensor]

    init(path: String) throws {
        var reader = SafetensorsReader(file: try MappedFile(path: path), name: path)
        tensors = reader.tensors()
        #expect(reader.faults.isEmpty)
    }

    func integers(_ name: String) throws -> [Int] {
        let tensor = try #require(tensors.first { $0.name == name })
        try #require(tensor.scalar == "I64")
        return stride(from: 0, to: tensor.bytes.count, by: 8).map {
            Int(tensor.bytes.loadUnaligned(fromByteOffset: $0, as: Int64.self))
        }
    }
}

enum MappedBytes {
    static func array(_ file: MappedFile) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: file.base, count: file.count))
    }
}

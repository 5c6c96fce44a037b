import Compute
import Foundation
import Imaging
import Qwen2VL
import Testing
import Text
import Video
import VideoUnderstanding

/// Which visual tokens are read with `--prune`.
@Suite struct TokenPrunerTests {
    /// Pictures of 4 × 3 cells; cell 6 is the middle.
    private static let size = PixelSize(width: 112, height: 84)

    private static let model = ModelConfiguration(
        text: TextConfiguration(
            hidden: 64, intermediate: 128, layers: 1, heads: 2, kvHeads: 1, headSize: 32,
            vocabulary: 700, mropeSections: [4, 6, 6], tieWordEmbeddings: true),
        vision: VisionConfiguration(depth: 1, width: 32, heads: 2, mlpWidth: 64, output: 64),
        preprocessor: PreprocessorConfiguration(minPixels: 3136, maxPixels: 12544), kind: .sample)

    /// A grey picture of one level, but for some cells.
    private static func picture(_ level: Int, _ cells: [Int: Int] = [:]) -> RGBImage {
        var pixels = [UInt8](repeating: UInt8(level), count: 3 * size.area)
        for y in 0..<size.height {
            for x in 0..<size.width {
                guard let level = cells[y / 28 * 4 + x / 28] else { continue }
                for channel in 0..<3 { pixels[3 * (y * size.width + x) + channel] = UInt8(level) }
            }
        }
        return RGBImage(size: size, pixels: pixels)
    }

    /// What is read of pairs of pictures; nil: all.
    private static func cells(
        _ share: Double, _ pairs: [(RGBImage, RGBImage)]
    ) -> [[Int]?] {
        let preprocessor = PairPreprocessor(
            source: size, target: size, patch: PatchGeometry(model.vision),
            mean: model.preprocessor.mean, std: model.preprocessor.std)
        var pruner = TokenPruner(share, target: size, model: model)
        for (first, second) in pairs { _ = pruner.add(preprocessor.rows(first, second)) }
        let selection = pruner.finish()
        return selection.counts.indices.map {
            let cells = selection.cells(of: $0)
            return cells.count == selection.tokensPerPair ? nil : cells
        }
    }

    private static func cells(_ share: Double, _ pictures: [RGBImage]) -> [[Int]?] {
        cells(share, pictures.map { ($0, $0) })
    }

    // Guards what is left out: what is equal before and after, and nothing else; that both ends of
    // what stands still are read, and something of every pair.
    @Test func onlyWhatStandsStillIsLeftOut() {
        let found = Self.cells(
            0,
            [
                Self.picture(10), Self.picture(10), Self.picture(10, [1: 11, 5: 9]),
                Self.picture(10, [1: 11, 5: 9]), Self.picture(10, [1: 11, 5: 9]), Self.picture(11),
                Self.picture(10), Self.picture(10), Self.picture(10),
            ])
        #expect(found == [nil, [1, 5], [1, 5], [6], nil, nil, nil, [6], nil])
    }

    // Guards pictures with holes: up to a quarter of the cells stands alone.
    @Test func aPairIsReadInSmallPartOrWhole() {
        let changes: [Int: Int] = [0: 1, 4: 1, 9: 1]
        for (more, isWhole) in [([:], false), ([11: 1], true)] as [([Int: Int], Bool)] {
            let changed = Self.picture(10, changes.merging(more) { $1 })
            let found = Self.cells(0, [Self.picture(10), changed, changed, changed])
            #expect(found == [nil, isWhole ? nil : [0, 4, 9], [6], nil])
        }
    }

    // Guards R: 5 levels of 255 are 0.0196, 6 are 0.0235.
    @Test(arguments: [(4, false), (5, false), (6, true), (40, true)])
    func theShareIsOfTheFullRange(step: Int, isRead: Bool) {
        let changed = Self.picture(100, [2: 100 + step])
        let found = Self.cells(0.02, [Self.picture(100), changed, changed])
        #expect(found == [nil, isRead ? [2] : [6], nil])
    }

    // Guards slow changes: whatever the speed, what was read is never more than R away from what is
    // shown. Compared with the pair before, none of these steps would ever be read.
    @Test(arguments: [1, 2, 5])
    func aSlowFadeIsRead(step: Int) {
        let levels = (0..<40).map { 20 + step * $0 }
        let found = Self.cells(0.02, levels.map { Self.picture(20, [2: $0]) })
        var known = levels[0]
        let isNew = levels.map { level in
            guard level - known >= 6 else { return false }
            known = level
            return true
        }
        #expect(isNew.filter { $0 }.count == 39 / ((5 + step) / step))
        for pair in 1..<39 {
            #expect(found[pair] == (isNew[pair] || isNew[pair + 1] ? [2] : [6]), "pair \(pair)")
        }
    }

    // Guards fades that come back: what is shown again as it was read is not news.
    @Test func aPulseBelowTheShareIsNotRead() {
        let found = Self.cells(0.02, [100, 104, 100, 96, 100].map { Self.picture($0) })
        #expect(found == [nil, [6], [6], [6], nil])
    }

    // Guards small things, which a mean would not see: a text cursor of 2 × 14 pixels, in one of the
    // frames of a pair; and noise, which a maximum would take for something.
    @Test func aCursorIsReadAndNoiseIsNot() {
        let still = Self.picture(120)
        var cursor = still.pixels
        for y in 35..<49 {
            for x in 10..<12 {
                for channel in 0..<3 { cursor[3 * (y * Self.size.width + x) + channel] = 0 }
            }
        }
        var state: UInt32 = 1
        let noise = still.pixels.map { level in
            state = state &* 1_664_525 &+ 1_013_904_223
            return level + UInt8(state >> 24) % 9 - 4
        }
        let withCursor = RGBImage(size: Self.size, pixels: cursor)
        let noisy = RGBImage(size: Self.size, pixels: noise)
        let pairs = [
            (still, still), (still, withCursor), (still, still), (still, still), (noisy, noisy),
            (still, still),
        ]
        #expect(Self.cells(0.02, pairs) == [nil, [4], [4], [6], [6], nil])
        #expect(Self.cells(0, [still, noisy, still, still, still]) == [nil, nil, nil, [6], nil])
    }

    // Guards the end of the range: nothing can differ by more than all.
    @Test func oneReadsTheEndsAlone() {
        let found = Self.cells(1, [0, 255, 0, 255].map { Self.picture($0) })
        #expect(found == [nil, [6], [6], nil])
    }

    // Guards windows, whose first and last pairs are whole, whatever was shown before; and the
    // tower, which need not see a pair in which nothing is new.
    @Test func aWindowBeginsAndEndsWhole() {
        let rows = PairPreprocessor(
            source: Self.size, target: Self.size, patch: PatchGeometry(Self.model.vision),
            mean: Self.model.preprocessor.mean, std: Self.model.preprocessor.std
        ).rows(Self.picture(1), Self.picture(2))
        var pruner = TokenPruner(0, target: Self.size, model: Self.model)
        let none = pruner.finish().counts
        #expect(none == [])
        for _ in 0..<2 {
            let isNew = (0..<3).map { _ in pruner.add(rows) }
            #expect(isNew == [true, false, false])
            let three = pruner.finish().counts
            #expect(three == [12, 1, 12])
            _ = pruner.add(rows)
            let one = pruner.finish().counts
            #expect(one == [12])
        }
    }
}

/// Visual tokens of pairs that are read in part are those that they would have been.
@Suite struct PrunedInputTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    /// 4 × 3 cells.
    private static let size = PixelSize(width: 112, height: 84)

    /// A noisy picture with one cell that depends on the letter, and another on its case.
    private static func picture(_ letter: Character) -> RGBImage {
        var state: UInt32 = 7
        let pixels = (0..<3 * size.area).map { index in
            state = state &* 1_664_525 &+ 1_013_904_223
            let (x, y) = (index / 3 % size.width, index / 3 / size.width)
            let value = letter.asciiValue ?? 0
            if x < 28, y < 28 { return UInt8(value & 31) &* 8 }
            if x >= 84, y >= 56 { return letter.isUppercase ? 255 : 0 }
            return UInt8(truncatingIfNeeded: state >> 24)
        }
        return RGBImage(size: size, pixels: pixels)
    }

    private struct Outcome {
        var inputs: [VisualInput] = []
        var shared = 0
        var rows = 0
    }

    private func run(_ windows: String, prune: Double?, tapped: Bool = false) throws -> Outcome {
        let model = try Model.load(folder: "\(Self.root)/Samples/model", weights: WeightFormats())
        let options = AnalysisOptions(Settings(), model: model.configuration)
        let plan = try VisualPlan(
            kind: .video, source: Self.size, frames: 4, fps: 2, windowSeconds: nil, maxFrames: 768,
            budget: options.budget, model: model.configuration, room: nil)
        #expect(plan.target == Self.size)
        var outcome = Outcome()
        var seen = 0
        var builder = VisualInputBuilder(
            encoder: VisionEncoder(model: model, pool: ThreadPool(threads: 2)), plan: plan,
            model: model.configuration, prune: prune, tap: tapped ? { seen += $0.count } : nil)
        var timing = TimingRecord()
        for word in windows.split(separator: " ") {
            for letter in word {
                try builder.add(Self.picture(letter), Self.picture(letter), timing: &timing)
            }
            outcome.inputs.append(
                try builder.finish(
                    kind: .video, window: FrameWindow(moments: [], start: 0, next: nil),
                    timing: &timing))
        }
        outcome.shared = builder.shared
        outcome.rows = seen
        return outcome
    }

    // Cells: 0 tells letters apart, 11 their case, 6 is the middle.
    @Test(arguments: [
        ("aaaab", "all 6 6 0 all", 3), ("abBB", "all 0,11 11 all", 1),
        ("aA aA", "all all all all", 0), ("ab bb", "all all all all", 2), ("a", "all", 0),
        (
            String(repeating: "ab", count: 40), "all" + String(repeating: " 0", count: 78) + " all",
            0
        ),
        (String(repeating: "aaB", count: 30), nil, 30),
    ])
    func readTokensAreThoseOfTheWhole(windows: String, cells: String?, shared: Int) throws {
        let whole = try run(windows, prune: nil, tapped: true)
        let pruned = try run(windows, prune: 0)
        let tapped = try run(windows, prune: 0, tapped: true)
        #expect(pruned.shared == shared)
        // A trace shows every pair, and what is read of them all the same.
        #expect(tapped.rows == whole.rows)
        #expect(tapped.inputs.map(\.embeddings) == pruned.inputs.map(\.embeddings))
        var found: [String] = []
        for (all, some) in zip(whole.inputs, pruned.inputs) {
            #expect(some.grid == all.grid)
            #expect(all.kept == nil)
            let hidden = all.embeddings.count / all.tokens
            let perPair = all.tokens / all.grid.time
            let places = some.kept?.places ?? Array(0..<all.tokens)
            #expect(some.tokens == places.count)
            let expected = places.flatMap { all.embeddings[$0 * hidden..<($0 + 1) * hidden] }
            #expect(some.embeddings == expected)
            for pair in 0..<all.grid.time {
                let cells = places.filter { $0 / perPair == pair }.map { "\($0 % perPair)" }
                found.append(cells.count == perPair ? "all" : cells.joined(separator: ","))
            }
        }
        if let cells { #expect(found.joined(separator: " ") == cells) }
    }

    // Guards evidence: attention on tokens is added up by pairs, and a token that was left out
    // counts as the mean of what was read of its cell before and after.
    @Test func attentionIsAddedUpByPairs() throws {
        let input = try #require(try run("aaaab", prune: 0).inputs.first)
        #expect(input.kept?.counts == [12, 1, 1, 1, 12])
        // Cell 0 was read with 0, 14 and 15, cell 6 with 6, 12, 13 and 21, any other cell with its
        // number and 15 more: 7, 17 and 135 in all are between them.
        let shares = (0..<27).map { Double($0) }
        // 12 + 7 + 135, 13 + 7 + 135, 14 + 17 + 135 between the sums of the whole pairs.
        #expect(input.sharesOfPairs(shares) == [66, 154, 155, 166, 246])
        #expect(input.sharesOfPairs([]) == [])
        #expect(input.sharesOfPairs([1, 2, 3, 4, 5]) == [1, 2, 3, 4, 5])
    }
}

import Compute
import Foundation
import Imaging
import Qwen2VL
import Testing
import Text
import Video
import VideoUnderstanding

/// Pairs that repeat are encoded once; everything must come out as if each had been encoded.
@Suite struct SharedPairsTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    private static let size = PixelSize(width: 112, height: 84)

    private static func picture(_ letter: Character) -> RGBImage {
        var state = UInt32(letter.asciiValue ?? 0) &* 2_654_435_761
        return RGBImage(
            size: size,
            pixels: (0..<3 * size.area).map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return UInt8(truncatingIfNeeded: state >> 24)
            })
    }

    /// Windows of pairs of equal frames, a letter a pair, a word a window.
    private func run(_ windows: String, sharing: Bool) throws -> ([[Float]], shared: Int) {
        let model = try Model.load(folder: "\(Self.root)/Samples/model", weights: WeightFormats())
        let options = AnalysisOptions(Settings(), model: model.configuration)
        let plan = try VisualPlan(
            kind: .video, source: Self.size, frames: 4, fps: 2, windowSeconds: nil, maxFrames: 768,
            budget: options.budget, model: model.configuration, room: nil)
        var seen = 0
        var builder = VisualInputBuilder(
            encoder: VisionEncoder(model: model, pool: ThreadPool(threads: 2)), plan: plan,
            model: model.configuration, tap: sharing ? nil : { seen += $0.count })
        var timing = TimingRecord()
        let window = FrameWindow(moments: [], start: 0, next: nil)
        let results = try windows.split(separator: " ").map { word in
            for letter in word {
                try builder.add(Self.picture(letter), Self.picture(letter), timing: &timing)
            }
            let visual = try builder.finish(kind: .video, window: window, timing: &timing)
            #expect(visual.grid.time == word.count)
            return visual.embeddings
        }
        return (results, builder.shared)
    }

    // Repeats at the beginning, the end and across windows, windows of nothing else, the same
    // picture again later (which is encoded again), and more pairs than one pass takes.
    @Test(arguments: [
        ("A", 0), ("AB", 0), ("AABBA", 2), ("AAAA", 3), ("AB BA", 1), ("A A A", 2),
        ("ABAB ABAB", 0), (String(repeating: "A", count: 90), 89),
        (String(repeating: "AB", count: 40) + "B", 1),
        (String(repeating: "ABBC", count: 30) + " CCA", 30 + 2),
    ])
    func theSameComesOut(windows: String, shared: Int) throws {
        let one = try run(windows, sharing: true)
        let each = try run(windows, sharing: false)
        #expect(one.0 == each.0)
        #expect(one.shared == shared)
        #expect(each.shared == 0)
    }
}

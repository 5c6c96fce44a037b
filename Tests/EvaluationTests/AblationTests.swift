import Evaluation
import Foundation
import Imaging
import OrderedJSON
import Qwen2VL
import Testing
import Video
import VideoUnderstanding

/// The whole evaluation on the clips and the model of this repository, and what ablations do to it.
@Suite struct AblationTests {
    private static let clip = "\(Fakes.root)/Samples/shapes-and-cuts.mp4"

    private func analyzer() throws -> Analyzer {
        try Analyzer(folder: "\(Fakes.root)/Samples/model", weights: WeightFormats(), threads: 2)
    }

    private func settings(_ ablation: Ablation?) -> Settings {
        var settings = Settings()
        settings.generation.maxNewTokens = 6
        settings.ablation = ablation
        return settings
    }

    /// Patch rows and embeddings of the clip, with its times.
    private func look(
        _ analyzer: Analyzer, _ ablation: Ablation?
    ) throws -> (rows: [Float], visual: VisualInput, patches: Int) {
        let options = AnalysisOptions(settings(ablation), model: analyzer.model.configuration)
        let rows = Rows()
        var timing = TimingRecord()
        var stream = try analyzer.open(
            try .resolving(Self.clip, settings: Settings()), windowed: false, prompts: ["What?"],
            options: options, timing: &timing, tap: { rows.values += $0 })
        let visual = try #require(try stream.next(timing: &timing, onEvent: { _ in }))
        return (rows.values, visual, visual.grid.height * visual.grid.width)
    }

    private final class Rows {
        var values: [Float] = []
    }

    // Guards the claim: the same frames, each whole, in another order; times and counts untouched.
    @Test func shufflingMovesFramesAndNothingElse() throws {
        let analyzer = try analyzer()
        let plain = try look(analyzer, nil)
        let shuffled = try look(analyzer, .shuffleFrames(seed: 7))
        #expect(shuffled.rows != plain.rows)
        #expect(shuffled.visual.moments == plain.visual.moments)
        #expect(shuffled.visual.grid == plain.visual.grid)
        let geometry = PatchGeometry(analyzer.model.configuration.vision)
        let order = FrameShuffle(frames: 2 * plain.visual.grid.time, seed: 7).sources
        for (place, source) in order.enumerated() {
            #expect(
                frame(place, of: shuffled.rows, shuffled.patches, geometry)
                    == frame(source, of: plain.rows, plain.patches, geometry))
        }
        // What is encoded are those rows, whatever the number of passes.
        var again = plain.rows
        FrameShuffle(frames: 2 * plain.visual.grid.time, seed: 7).apply(
            to: &again, patches: plain.patches, geometry: geometry)
        #expect(
            try analyzer.encoder.encode(again, grid: plain.visual.grid)
                == shuffled.visual.embeddings)
        #expect(try look(analyzer, .shuffleFrames(seed: 8)).rows != shuffled.rows)
        #expect(try look(analyzer, .shuffleFrames(seed: 7)).rows == shuffled.rows)
    }

    /// The values of one frame: every other plane of each row of its pair.
    private func frame(
        _ index: Int, of rows: [Float], _ patches: Int, _ geometry: PatchGeometry
    ) -> [Float] {
        let plane = geometry.patchSize * geometry.patchSize
        let pair = patches * geometry.patchLength
        let start = index / 2 * pair + index % 2 * plane
        return stride(from: 0, to: pair, by: 2 * plane).flatMap {
            rows[start + $0..<start + $0 + plane]
        }
    }

    // Guards against a shuffle that leaves everything in place, and against one that loses frames.
    @Test(arguments: [1, 2, 4, 24, 768], [0, 1, 2, 3] as [UInt64])
    func everyFrameStandsOnce(frames: Int, seed: UInt64) {
        let sources = FrameShuffle(frames: frames, seed: seed).sources
        #expect(sources.sorted() == Array(0..<frames))
        #expect(frames == 1 || sources != Array(0..<frames))
    }

    @Test func resizedFramesAreThoseOfTheShuffledVideo() {
        let geometry = PatchGeometry(
            patchSize: 14, temporalPatchSize: 2, mergeSize: 2, channels: 3)
        let size = PixelSize(width: 56, height: 28)
        let preprocessor = PairPreprocessor(
            source: size, target: size, patch: geometry, mean: [0.5, 0.4, 0.3],
            std: [0.2, 0.3, 0.4])
        let frames = (0..<6).map { frame in
            RGBImage(
                size: size,
                pixels: (0..<size.area * 3).map { UInt8(truncatingIfNeeded: $0 * 7 + frame * 31) })
        }
        func rows(_ order: [Int]) -> [Float] {
            stride(from: 0, to: 6, by: 2).flatMap {
                preprocessor.rows(frames[order[$0]], frames[order[$0 + 1]])
            }
        }
        let shuffle = FrameShuffle(frames: 6, seed: 3)
        var shuffled = rows(Array(0..<6))
        shuffle.apply(to: &shuffled, patches: preprocessor.patches, geometry: geometry)
        #expect(shuffled == rows(shuffle.sources))
    }

    // Guards the claim: the time axis of visual tokens alone, and nothing behind them, moves.
    @Test func zeroTimeHoldsTheTimeAxisStill() throws {
        let analyzer = try analyzer()
        let grid = PatchGrid(time: 3, height: 4, width: 8)
        func layout(_ ablation: Ablation?) throws -> PromptLayout {
            try analyzer.layOut(
                [VisualPlace(.video, grid), VisualPlace(.video, grid)], prompt: "When?",
                system: "s", rule: .max,
                ablation: ablation)
        }
        let plain = try layout(nil)
        let flat = try layout(.zeroTime)
        #expect(flat.ids == plain.ids)
        #expect(flat.positions.height == plain.positions.height)
        #expect(flat.positions.width == plain.positions.width)
        #expect(flat.positions.next == plain.positions.next)
        #expect(flat.positions.delta == plain.positions.delta)
        for index in plain.ids.indices {
            let visual = plain.visuals.first { $0.contains(index) }
            let expected = plain.positions.time[visual?.lowerBound ?? index]
            #expect(flat.positions.time[index] == expected)
        }
        #expect(flat.positions.time != plain.positions.time)
        #expect(try layout(.shuffleFrames(seed: 1)).positions == plain.positions)
    }

    @Test func settingsTellOfAnAblationOnlyWhereThereIsOne() {
        #expect(settings(nil).json(for: .answer)["ablation"] == nil)
        #expect(settings(.zeroTime).json(for: .answer)["ablation"] == "zero-time")
        #expect(
            settings(.shuffleFrames(seed: 1)).json(for: .summary)["ablation"] == "shuffle-frames")
    }

    // Guards the path end to end: groups, order, the failing video, the document.
    @Test func theSampleClips() throws {
        let folder = try TemporaryFolder()
        let set = try folder.write(
            """
            {"video":"shapes-and-cuts","question":"What moves?","answer":"circle","category":"what"}
            {"video":"countdown-portrait","question":"Which number?","options":["A. 1","B. 2"],"answer":"B","task_type":"which"}
            {"video":"missing","query":"a dog runs","relevant_windows":[[1,2]]}
            {"video":"shapes-and-cuts","question":"When does it stop?","time":4,"category":"when"}
            {"video":"shapes-and-cuts","task":"summarize","mentions":["circle",{"text":"square","interval":[4,8]}],"forbidden":["dog"]}
            """)
        let data = try Dataset.load(set, videos: "\(Fakes.root)/Samples")
        let analyzer = try analyzer()
        func evaluate(_ ablation: Ablation?) throws -> EvaluationDocument {
            let settings = settings(ablation)
            let watcher = VideoWatcher { questions, video, onAnswer throws(Failure) in
                try analyzer.ask(
                    try .resolving(video, settings: settings), questions: questions,
                    settings: settings, onAnswer: onAnswer)
            } summarize: { video throws(Failure) in
                try analyzer.summarize(
                    try .resolving(video, settings: settings), settings: settings)
            }
            let record = try EvaluationRun(data.cases, rules: ScoringRules()).run(watcher) {
                _ throws(Failure) in
            }
            return EvaluationDocument(
                path: set, lines: data.cases.count, record: record, rules: ScoringRules())
        }
        let document = try evaluate(nil)
        #expect(DocumentValidator().faults(in: document.json) == [])
        #expect(document.record.results.map(\.item.line) == [1, 2, 3, 4, 5])
        #expect(document.record.failures.map(\.lines) == [[3]])
        #expect(document.record.failures.first?.failure.code == .inputNotFound)
        #expect(document.categories.map(\.name) == ["what", "when", "which"])
        #expect(document.calibration.lines == 3)
        #expect(document.json["warnings"]?[0]?["code"]?.string == "model.sample")
        #expect(document.json["dataset"]?["sha256"]?.string?.utf8.count == 64)
        #expect(try evaluate(nil).json == document.json)

        // Another input, other words; the confidence alone would tell.
        func confidences(_ document: EvaluationDocument) -> [Double] {
            document.record.results.compactMap {
                if case .answered(_, let confidence, _) = $0.outcome { confidence } else { nil }
            }
        }
        for ablation in [Ablation.shuffleFrames(seed: 1), .zeroTime] {
            let spoiled = try evaluate(ablation)
            #expect(confidences(spoiled).count == 3)
            #expect(zip(confidences(spoiled), confidences(document)).allSatisfy { $0 != $1 })
            #expect(spoiled.table.contains("ablation: \(ablation.name)"))
            #expect(DocumentValidator().faults(in: spoiled.json) == [])
        }
    }
}

import Foundation
import OrderedJSON
import Qwen2VL
import Testing
import Text
import Video
import VideoUnderstanding

/// Windows that are described together: which they are, that nobody can tell, and what they take.
@Suite struct WindowGroupingTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    // Guards the rule: no group beyond its bounds but a single window, and none that could go on.
    @Test(arguments: [
        (windows: 3, bytes: 100, least: 10, sizes: [10, 10, 10, 10], groups: [3, 1]),
        (1, 100, 10, [10, 10, 10], [1, 1, 1]),
        (8, 100, 10, [60, 60, 30, 10, 10], [1, 3, 1]),
        // What leaves no room for any window ends its group at once.
        (8, 100, 41, [60, 40, 40, 40], [1, 2, 1]),
        (8, 100, 10, [300, 10, 300, 10], [1, 1, 1, 1]),
        (8, 100, 10, [50, 50, 50], [2, 1]),
        (8, 0, 10, [10, 10], [1, 1]),
        (8, 100, 10, [], []),
    ])
    func groupsKeepTheirBounds(
        windows: Int, bytes: Int, least: Int, sizes: [Int], groups: [Int]
    ) {
        var grouping = WindowGrouping(windows: windows, bytes: bytes)
        var found: [Int] = []
        var open = 0
        for size in sizes {
            let place = grouping.add(size, least: least)
            if place.endsBefore {
                #expect(open > 0, "a group that had ended ends again")
                found.append(open)
                open = 0
            }
            open += 1
            if place.endsAfter {
                found.append(open)
                open = 0
            }
        }
        if open > 0 { found.append(open) }
        #expect(found == groups)
    }

    private static func analyzer(_ weights: WeightFormat? = nil) throws -> Analyzer {
        try Analyzer(
            folder: "\(root)/Samples/model", weights: WeightFormats(weights), threads: 2)
    }

    private static func input(_ clip: String) throws -> VideoInput {
        try .resolving("\(root)/Samples/\(clip)", settings: Settings())
    }

    private static func settings(
        _ batch: Int, _ change: (inout Settings) -> Void = { _ in }
    ) throws -> Settings {
        var settings = Settings()
        settings.generation.maxNewTokens = 24
        settings.window = Rational(3)
        settings.repetitions = .keep
        settings.threads = 2
        change(&settings)
        settings.batch = batch
        try settings.validate()
        return settings
    }

    private static func summary(
        _ analyzer: Analyzer, _ clip: String, _ settings: Settings
    ) throws -> (document: String, events: [String]) {
        var events: [String] = []
        var document = try analyzer.summarize(try input(clip), settings: settings) { event in
            events.append("\(event)")
        }
        document.provenance.timing = nil
        #expect(document.segments.count > 2)
        return (document.json.compact, events)
    }

    // Guards the promise of `--batch`: not a byte changes, whatever is kept of past tokens, however
    // texts are chosen, and where texts end at their first token.
    @Test(arguments: [
        "plain", "f16", "int8", "weights", "seed", "penalty", "short", "drafts", "prune", "cuts",
    ])
    func companyChangesNoText(option: String) throws {
        let analyzer = try Self.analyzer(option == "weights" ? .int8 : nil)
        func change(_ settings: inout Settings) {
            settings.cuts = option == "cuts" ? .auto : .off
            switch option {
            case "f16": settings.kv = .f16
            case "int8": settings.kv = .int8
            case "seed":
                settings.generation.temperature = 1.5
                settings.generation.seed = 7
            case "penalty": settings.generation.repetitionPenalty = 1.5
            case "short": settings.generation.maxNewTokens = 1
            case "drafts": settings.drafts = .on
            case "prune": settings.prune = 0.02
            default: break
            }
        }
        for clip in ["sample-world.mp4", "shapes-and-cuts.mp4"] {
            let alone = try Self.summary(analyzer, clip, Self.settings(1, change))
            for batch in [2, 3, 8, 63] {
                let together = try Self.summary(analyzer, clip, Self.settings(batch, change))
                #expect(together.document == alone.document)
            }
        }
    }

    // Guards progress: all that is seen comes in the same order, every window is told of once, and
    // groups are said to be written.
    @Test func eventsStayInOrder() throws {
        let analyzer = try Self.analyzer()
        let alone = try Self.summary(analyzer, "sample-world.mp4", Self.settings(1)).events
        let together = try Self.summary(analyzer, "sample-world.mp4", Self.settings(3)).events
        func only(_ events: [String], _ word: String) -> [String] {
            events.filter { $0.hasPrefix(word) && !$0.contains(" to ") }
        }
        for word in ["opened", "seen", "stage(\"describing"] {
            #expect(!only(alone, word).isEmpty)
            #expect(only(together, word) == only(alone, word))
        }
        let groups = together.filter { $0.contains("describing") && $0.contains(" to ") }
        #expect(groups.count == 2, "7 windows in threes")
        #expect(!alone.contains { $0.contains("describing") && $0.contains(" to ") })
    }

    // Guards the limit of memory: less of it makes groups smaller, never the run impossible.
    @Test func memoryBoundsGroups() throws {
        let analyzer = try Self.analyzer()
        let free = try Self.settings(8) {
            $0.chosenKV = .f32
            $0.window = Rational(3)
        }
        let options = AnalysisOptions(free, model: analyzer.model.configuration)
        var timing = TimingRecord()
        let stream = try analyzer.open(
            try Self.input("sample-world.mp4"), windowed: true, prompts: [options.segmentPrompt],
            options: options, timing: &timing)
        let plan = stream.plan
        let roomy = try Self.summary(analyzer, "sample-world.mp4", free)
        let whole = analyzer.memory(
            tokens: plan.limit.frames / 2 * plan.tokensPerPair + 24 + 128, plan: plan,
            options: options
        ).peak
        var sizes: Set<Int> = []
        for limit in stride(from: whole, through: whole + 24 << 20, by: 1 << 19) {
            var tight = free
            tight.maxMemory = ByteSize(bytes: limit)
            let bound = analyzer.grouping(
                plan, options: AnalysisOptions(tight, model: analyzer.model.configuration)
            ).bytes
            sizes.insert(bound)
            #expect(bound <= WindowGrouping.standardBytes)
        }
        #expect(sizes.count > 2, "more memory, larger groups")
        var tight = free
        tight.maxMemory = ByteSize(bytes: whole)
        let small = try Self.summary(analyzer, "sample-world.mp4", tight)
        #expect(small.document == roomy.document)
    }

    // Guards the plan: what is held together is counted, and nothing where windows come one by one.
    @Test func plansCountGroups() throws {
        let analyzer = try Self.analyzer()
        func cache(_ batch: Int) throws -> Int {
            let plan = try analyzer.plan(
                try Self.input("sample-world.mp4"),
                settings: try Self.settings(batch) { $0.cuts = .off })
            return try #require(plan.json["memory"]?["cache"]?.int)
        }
        let one = try cache(1)
        // Windows of three seconds are of equal length but for the last.
        #expect(try cache(2) == 2 * one)
        #expect(try cache(3) == 3 * one)
        #expect(try cache(8) > 6 * one)
        #expect(try cache(8) <= 7 * one)
    }
}

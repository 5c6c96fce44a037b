import Compute
import Foundation
import Synchronization
import Testing
import VideoUnderstanding

/// Jobs that are open at once: no document may show that there were others.
@Suite struct DecodingDeskTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    private struct Work: Sendable {
        var video: String
        var questions: [String] = []
        var settings = Settings()
    }

    /// Different in length, kind of work, keys, shape, drafts; one of them fails.
    private static func works() -> [Work] {
        var summary = Work(video: "Samples/sample-world.mp4")
        summary.settings.window = Rational(1)
        summary.settings.cuts = .off
        var free = Work(
            video: "Samples/sample-world.mp4",
            questions: ["What moves?", "What can be read at the end?", "What does the star do?"])
        free.settings.kv = .int8
        var shape = Work(
            video: "Samples/countdown-portrait.mov", questions: ["When does it begin?"])
        shape.settings.answerShape = .builtIn(.intervals)
        var choice = Work(video: "Samples/street-crossing.mkv", questions: ["Is it day?"])
        choice.settings.answerShape = .choices(["Yes.", "No."])
        var drafts = Work(video: "Samples/shapes-and-cuts.mp4", questions: ["What is seen?"])
        drafts.settings.drafts = .on
        var looks = Work(video: "Samples/sample-world.mp4", questions: ["Is there a circle?"])
        looks.settings.look = .windows
        looks.settings.kv = .f16
        let lost = Work(video: "Samples/no-such-file.mp4")
        var works = [summary, free, shape, lost, choice, drafts, looks]
        for index in works.indices { works[index].settings.generation.maxNewTokens = 20 }
        return works
    }

    private static func documents(of work: Work, _ analyzer: Analyzer) -> [String] {
        do throws(Failure) {
            let input = try VideoInput.resolving("\(root)/\(work.video)", settings: work.settings)
            guard !work.questions.isEmpty else {
                var document = try analyzer.summarize(input, settings: work.settings)
                document.provenance.timing = nil
                return [document.json.compact]
            }
            var answers: [String] = []
            try analyzer.ask(input, questions: work.questions, settings: work.settings) {
                var document = $1
                document.provenance.timing = nil
                answers.append(document.json.compact)
            }
            return answers
        } catch {
            return ["\(error.code.rawValue): \(error.message)"]
        }
    }

    /// Does all works at a desk, a thread each.
    private func together(
        _ works: [Work], _ analyzer: Analyzer, at desk: DecodingDesk
    ) -> [[String]] {
        let found = Mutex<[Int: [String]]>([:])
        let changed = Signal()
        for (place, work) in works.enumerated() {
            let isStarted = DetachedThread.start(stackBytes: 8 << 20) {
                let seat = desk.seat()
                let documents = Self.documents(of: work, analyzer.at(seat))
                seat.leave()
                found.withLock { $0[place] = documents }
                changed.notify()
            }
            #expect(isStarted)
        }
        changed.wait { found.withLock { $0.count == works.count ? () : nil } }
        return found.withLock { found in works.indices.map { found[$0] ?? [] } }
    }

    @Test(arguments: [1, 2, 4]) func companyChangesNoDocument(threads: Int) throws {
        let analyzer = try Analyzer(
            folder: "\(Self.root)/Samples/model", weights: WeightFormats(), threads: threads)
        let works = Self.works()
        let alone = works.map { Self.documents(of: $0, analyzer) }
        #expect(alone[3].first?.hasPrefix("input.not_found") ?? false)
        #expect(alone.indices.allSatisfy { $0 == 3 || !alone[$0][0].hasPrefix("input.") })
        for _ in 0..<3 {
            let desk = try DecodingDesk(analyzer, jobs: works.count, maxMemory: 8 << 30)
            #expect(together(works, analyzer, at: desk) == alone)
            #expect(desk.counts.passes > 0)
        }
        // Equal jobs keep step, so that nearly every pass serves all of them.
        let equal = [Work](repeating: works[5], count: 4)
        let desk = try DecodingDesk(analyzer, jobs: 4, maxMemory: 8 << 30)
        #expect(together(equal, analyzer, at: desk) == [[String]](repeating: alone[5], count: 4))
        #expect(desk.counts.jobs > desk.counts.passes, "no pass was shared: \(desk.counts)")
    }

    /// Where there is room for one job alone, one after the other is let in; nobody waits for ever, and
    /// the documents stay.
    @Test func memoryLetsJobsInOneByOne() throws {
        let analyzer = try Analyzer(
            folder: "\(Self.root)/Samples/model", weights: WeightFormats(), threads: 2)
        let works = [Work](repeating: Self.works()[1], count: 4)
        let alone = Self.documents(of: works[0], analyzer)
        let tight = try DecodingDesk(analyzer, jobs: 4, maxMemory: 1)
        #expect(together(works, analyzer, at: tight) == [[String]](repeating: alone, count: 4))
        #expect(tight.counts.jobs == tight.counts.passes)
        #expect(tight.memory.mostJobs == 1)
        let roomy = try DecodingDesk(analyzer, jobs: 4, maxMemory: 64 << 30)
        #expect(together(works, analyzer, at: roomy) == [[String]](repeating: alone, count: 4))
        #expect(roomy.memory.mostJobs > 1)
    }

    @Test func memoryIsAnAccount() throws {
        let memory = SharedMemory(bytes: 100, changed: Signal())
        try memory.reserve(60, for: 1)
        try memory.reserve(50, for: 1)
        try memory.reserve(40, for: 2)
        #expect(memory.mostJobs == 2)
        let isIn = Atomic(false)
        let changed = Signal()
        let isStarted = DetachedThread.start {
            try? memory.reserve(30, for: 3)
            isIn.store(true, ordering: .sequentiallyConsistent)
            changed.notify()
        }
        #expect(isStarted)
        usleep(30_000)
        let isInEarly = isIn.load(ordering: .sequentiallyConsistent)
        #expect(!isInEarly)
        memory.giveBack(2)
        changed.wait { isIn.load(ordering: .sequentiallyConsistent) ? () : nil }
        // More than there is: alone.
        memory.giveBack(1)
        memory.giveBack(3)
        try memory.reserve(1_000, for: 4)
        #expect(memory.mostJobs == 2)
    }
}

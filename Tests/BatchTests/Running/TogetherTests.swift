import Batch
import Foundation
import OrderedJSON
import Synchronization
import Testing
import VideoUnderstanding

/// Several jobs open at once: each still has one whole result, and the guilty one is found.
@Suite struct TogetherTests {
    /// Which jobs were open beside which.
    private final class Company: Sendable {
        private let state = Mutex((open: Set<String>(), beside: [String: Int]()))

        func work(_ job: Job, _ body: () throws(Failure) -> Void) throws(Failure) -> JobOutcome {
            note { state in
                state.open.insert(job.id)
                for id in state.open {
                    state.beside[id] = max(state.beside[id] ?? 0, state.open.count - 1)
                }
            }
            defer { note { $0.open.remove(job.id) } }
            usleep(20_000)
            try body()
            return Trial.outcome(of: job)
        }

        private func note(_ body: (inout (open: Set<String>, beside: [String: Int])) -> Void) {
            state.withLock { body(&$0) }
        }

        /// The most others that were open at the same time as each job.
        var beside: [String: Int] { state.withLock(\.beside) }
    }

    @Test(arguments: [2, 5, 8]) func resultsAreThoseOfOneAfterTheOther(count: Int) throws {
        let trial = try Trial(jobs: 17)
        let alone = try trial.run(output: "alone.jsonl").tally
        let company = Company()
        let together = try trial.runTogether(count) { job throws(Failure) in
            // The later a job begins, the sooner it ends.
            try company.work(job) { usleep(UInt32(2_000 * (17 - (Int(job.id) ?? 0)))) }
        }
        #expect(try trial.scratch.text("out.jsonl") == trial.scratch.text("alone.jsonl"))
        #expect(together.done == alone.done && together.failures == alone.failures)
        #expect(company.beside.values.max() == count - 1)
        #expect(try trial.run().worked == [])
        let unordered = try trial.runTogether(
            count, output: "as-they-came.jsonl", isUnordered: true
        ) {
            job throws(Failure) in
            if job.id == "0" { usleep(200_000) }
            return Trial.outcome(of: job)
        }
        #expect(unordered.done == alone.done)
        let came = try trial.scratch.lines("as-they-came.jsonl")
        #expect(came.first != (try trial.scratch.lines("alone.jsonl").first))
        #expect(came.sorted() == (try trial.scratch.lines("alone.jsonl").sorted()))
    }

    /// Every state between two notes, and half-written documents, are mended, whoever was open.
    @Test func anyDeathIsMended() throws {
        let whole = try Trial(jobs: 8)
        let before = try whole.addWhatIsNotWorked()
        try whole.scratch.write(before, to: "out.jsonl.journal")
        try whole.runTogether(3, isUnordered: true)
        let results = Array(try whole.scratch.text("out.jsonl").utf8)
        let notes = try whole.scratch.lines("out.jsonl.journal")
        try whole.run(output: "alone.jsonl")
        let expected = try whole.scratch.lines("alone.jsonl").filter { !$0.contains("given up") }
        var (written, end, cuts) = (0, 0, 0)
        let journal = Array(notes.map { $0 + "\n" }.joined().utf8)
        for note in notes {
            end += note.utf8.count + 1
            guard end > before.utf8.count else { continue }
            let lines = try JSON.parse(note)["lines"]?.array?.count ?? 0
            for _ in 0..<lines {
                written = try #require(results[written...].firstIndex(of: 10)) + 1
            }
            for half in [0, 60] where written + half < results.count {
                try Data(results[..<(written + half)]).write(
                    to: URL(fileURLWithPath: whole.scratch.path("out.jsonl")))
                try Data(journal[..<end]).write(
                    to: URL(fileURLWithPath: whole.scratch.path("out.jsonl.journal")))
                // Behind a whole note nobody writes half a document but while a job is open.
                let isOpen = try JSON.parse(note)["event"]?.string == "started"
                if half > 0, !isOpen { continue }
                try whole.runTogether(4)
                let found = try whole.scratch.lines("out.jsonl")
                #expect(found.filter { !$0.contains("given up") } == expected, "cut at \(end)")
                cuts += 1
            }
        }
        #expect(cuts > 20)
    }

    /// A process that ended in the middle of several jobs may have been ended by any of them: each is
    /// tried by itself, after all others, and nothing is held against it before that.
    @Test(arguments: [false, true]) func suspectsAreTriedAlone(isCrash: Bool) throws {
        let trial = try Trial(jobs: 6)
        let death =
            #"{"event":"started","job":"1"}"# + "\n"
            + #"{"event":"started","job":"3","beside":1}"# + "\n"
            + (isCrash ? #"{"event":"crashed"}"# + "\n" : "")
        let header = #"{"journal":"reelscribe/run-journal@1"}"# + "\n"
        // As often as would give a job up, were it open alone.
        let journal =
            header + String(repeating: #"{"event":"begun"}"# + "\n" + death, count: 60)
        try trial.scratch.write("", to: "out.jsonl")
        try trial.scratch.write(journal, to: "out.jsonl.journal")
        let company = Company()
        let order = Mutex<[String]>([])
        let tally = try trial.runTogether(3) { job throws(Failure) in
            order.withLock { $0.append(job.id) }
            return try company.work(job) {}
        }
        #expect(tally.done == 5 && tally.failures == ["decode.damaged": 1])
        #expect(company.beside["1"] == 0 && company.beside["3"] == 0)
        #expect(company.beside["0"] == 2)
        let last = Array(order.withLock { $0 }.suffix(2))
        #expect(last == ["1", "3"])
    }

    /// What happens while a job is open alone counts, although others were open beside it before.
    @Test func theGuiltyOneIsGivenUp() throws {
        let trial = try Trial(jobs: 3)
        let note = { (text: String) in text + "\n" }
        let journal =
            note(#"{"journal":"reelscribe/run-journal@1"}"#) + note(#"{"event":"begun"}"#)
            + note(#"{"event":"started","job":"0"}"#)
            + note(#"{"event":"started","job":"1","beside":1}"#) + note(#"{"event":"crashed"}"#)
            + note(#"{"event":"started","job":"1"}"#) + note(#"{"event":"crashed"}"#)
            + note(#"{"event":"started","job":"1"}"#) + note(#"{"event":"crashed"}"#)
        try trial.scratch.write("", to: "out.jsonl")
        try trial.scratch.write(journal, to: "out.jsonl.journal")
        let company = Company()
        let tally = try trial.runTogether(3) { job throws(Failure) in try company.work(job) {} }
        #expect(tally.failures == ["internal": 1])
        #expect(Set(company.beside.keys) == ["0", "2"])
        let documents = try trial.scratch.lines("out.jsonl").map { try JSON.parse($0) }
        #expect(documents[1]["id"]?.string == "1" && documents[1]["error"] != nil)
    }

    /// What has ended is kept, what is open is given back with nothing held against it.
    @Test func anInterruptionGivesAllOpenJobsBack() throws {
        let trial = try Trial(jobs: 9)
        let began = Atomic(0)
        let failure = #expect(throws: Failure.self) {
            try trial.runTogether(
                3,
                work: { job throws(Failure) in
                    began.add(1, ordering: .relaxed)
                    if job.id == "0" || job.id == "1" { return Trial.outcome(of: job) }
                    while !Task.isCancelled { usleep(1_000) }
                    throw Failure(.interrupted, stage: .decode, message: "cancelled")
                },
                onEvent: { event throws(Failure) in
                    guard case .finished(let tally, _, _) = event, tally.done >= 2 else { return }
                    throw Failure(.interrupted, stage: .tool, message: "enough")
                })
        }
        #expect(failure?.code == .interrupted)
        let all = began.load(ordering: .relaxed)
        #expect(all <= 5, "no job is begun after that")
        #expect(try trial.scratch.lines("out.jsonl").count == 2)
        let journal = try trial.scratch.text("out.jsonl.journal")
        #expect(journal.contains(#""released""#))
        let company = Company()
        try trial.runTogether(3) { job throws(Failure) in try company.work(job) {} }
        #expect(Set(company.beside.keys) == Set((2..<9).map(String.init)))
        #expect(company.beside["2"] == 2, "it is no suspect")
    }

    /// The document of a job that was done when another ended the run is not lost.
    @Test func resultsOfOthersAreKeptWhenTheRunEnds() throws {
        let trial = try Trial(jobs: 3)
        #expect(throws: Failure.self) {
            try trial.runTogether(3) { job throws(Failure) in
                if job.id == "0" {
                    throw Failure(.interrupted, stage: .decode, message: "asked for")
                }
                while !Task.isCancelled { usleep(1_000) }
                return Trial.outcome(of: job)
            }
        }
        #expect(try trial.run().worked == ["0"])
    }
}

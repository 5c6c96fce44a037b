import Compute
import Qwen2VL
import Synchronization

/// Where jobs that are open at once share the model: it computes for one at a time, but the next tokens
/// of all their texts come of one pass, which reads the weights once.
///
/// A job is *busy* while it computes or is about to: it will have a text to write soon. It *sits* while it
/// waits for the next tokens of its texts. Otherwise it is *away*: it waits for frames, for memory, or
/// for its input. A pass begins when no job is busy, so that as many texts as can be share it, or when
/// as many tokens wait as a pass takes at little more than the cost of one. No result depends on who
/// shares a pass with whom.
public final class DecodingDesk: Sendable {
    /// Tokens that a pass takes at little more than the cost of one.
    private static let enough = Session.draftRows

    private enum Status {
        case away
        case busy
        case sitting
    }

    private struct State {
        var jobs: [Int: Status] = [:]
        var begun = 0
        /// Whether the model computes, for whomever.
        var isComputing = false
        /// What jobs sit and wait for, in the order in which they sat down.
        var waiting: [(job: Int, part: SessionPart)] = []
        var results: [Int: Result<PartResult, any Error>] = [:]
        var counts = PassCounts()
    }

    /// What one waiting job is to do.
    private enum Turn {
        case take(Result<PartResult, any Error>)
        case pass([(job: Int, part: SessionPart)])
    }

    /// What jobs may take of the memory.
    package let memory: SharedMemory
    private let state = Mutex(State())
    private let changed: Signal
    private let pass: Mutex<JointPass>

    /// - Parameters:
    ///   - jobs: that are open at once, at most.
    ///   - maxMemory: bytes of the process.
    /// - Throws: `Failure` where there is no memory.
    public init(_ analyzer: Analyzer, jobs: Int, maxMemory: Int) throws(Failure) {
        do throws(ModelError) {
            pass = Mutex(try JointPass(model: analyzer.model, pool: analyzer.pool))
        } catch {
            throw Failure(error, stage: .model)
        }
        let sizes = MemoryModel(
            analyzer.model.configuration, weightBytes: analyzer.model.weightBytes)
        let passes = JointPass.byteCount(
            analyzer.model.configuration.text, rows: Self.enough + jobs)
        let changed = Signal()
        self.changed = changed
        memory = SharedMemory(
            bytes: max(0, maxMemory - sizes.program - sizes.weights - passes), changed: changed)
    }

    /// Passes of the model so far, and the rows that they were for.
    package var counts: PassCounts { state.withLock(\.counts) }

    /// A place for one more job, which is away at first.
    public func seat() -> DecodingSeat {
        let number = state.withLock { state in
            state.begun += 1
            state.jobs[state.begun] = .away
            return state.begun
        }
        return DecodingSeat(number, at: self)
    }

    // MARK: - For seats

    func leave(_ job: Int) {
        state.withLock { $0.jobs[job] = nil }
        memory.giveBack(job)
        changed.notify()
    }

    /// Waits until the model computes for nobody else.
    func beginComputing(_ job: Int) {
        state.withLock { $0.jobs[job] = .busy }
        changed.wait {
            state.withLock { state -> Void? in
                guard !state.isComputing else { return nil }
                state.isComputing = true
                return ()
            }
        }
    }

    /// The job stays busy.
    func endComputing() {
        state.withLock { $0.isComputing = false }
        changed.notify()
    }

    /// - Returns: whether the job was busy.
    func goAway(_ job: Int) -> Bool {
        let wasBusy = state.withLock { state in
            defer { state.jobs[job] = .away }
            return state.jobs[job] == .busy
        }
        if wasBusy { changed.notify() }
        return wasBusy
    }

    func comeBack(_ job: Int) { state.withLock { $0.jobs[job] = .busy } }

    /// Tokens that the texts of one job may have in a pass without making it much dearer.
    var fairShare: Int { max(1, Self.enough / max(1, state.withLock(\.jobs.count))) }

    /// Waits for a pass that has the part in it; whoever waits may have to run it.
    func decode(_ part: SessionPart, for job: Int) throws -> PartResult {
        state.withLock { state in
            state.jobs[job] = .sitting
            state.waiting.append((job, part))
        }
        changed.notify()
        while true {
            let turn = changed.wait { state.withLock { Self.turn(of: job, &$0) } }
            switch turn {
            case .take(let result): return try result.get()
            case .pass(let parts): run(parts)
            }
        }
    }

    private static func turn(of job: Int, _ state: inout State) -> Turn? {
        if let result = state.results.removeValue(forKey: job) { return .take(result) }
        let rows = state.waiting.reduce(0) { $0 + $1.part.rows }
        guard !state.isComputing, rows > 0,
            rows >= enough || !state.jobs.values.contains(.busy)
        else { return nil }
        state.isComputing = true
        var taken = 0
        let parts = state.waiting.prefix { waiting in
            taken += waiting.part.rows
            return taken <= JointPass.rows
        }
        state.waiting.removeFirst(parts.count)
        return .pass(Array(parts))
    }

    private func run(_ parts: [(job: Int, part: SessionPart)]) {
        let results = Result { try pass.withLock { try $0.decode(parts.map(\.part)) } }
        state.withLock { state in
            state.isComputing = false
            state.counts.passes += 1
            state.counts.jobs += parts.count
            for (index, waiting) in parts.enumerated() {
                state.results[waiting.job] = results.map { $0[index] }
                // It is about to choose a token, and to come back with it.
                state.jobs[waiting.job] = .busy
            }
        }
        changed.notify()
    }
}

/// What a desk did.
package struct PassCounts: Sendable, Equatable {
    package var passes = 0
    /// Jobs that took part in them, added up.
    package var jobs = 0
}

/// The place of one job at a desk. One thread uses it, which says what it waits for.
public final class DecodingSeat: Sendable {
    private let number: Int
    private let desk: DecodingDesk

    init(_ number: Int, at desk: DecodingDesk) {
        self.number = number
        self.desk = desk
    }

    /// The job has ended.
    public func leave() { desk.leave(number) }

    /// Waits until the model may compute for the job, which it may do until ``endComputing()``.
    func beginComputing() { desk.beginComputing(number) }

    func endComputing() { desk.endComputing() }

    /// What the job waits for without need of the model.
    func away<Result>(_ body: () throws -> Result) rethrows -> Result {
        let wasBusy = desk.goAway(number)
        defer { if wasBusy { desk.comeBack(number) } }
        return try body()
    }

    /// Waits until so many bytes are left for the job, beside the weights and the program, or until it
    /// is the only one that has any; for a job that holds hardly any memory yet. What it was given before
    /// is part of them.
    func reserve(_ bytes: Int) throws {
        try away { try desk.memory.reserve(bytes, for: number) }
    }

    /// Notes that the job takes so many bytes, where it has reserved fewer.
    func note(_ bytes: Int) { desk.memory.raise(number, to: bytes) }

    /// Tokens that the texts of the job may have in a pass without making it much dearer.
    var fairShare: Int { desk.fairShare }

    func decode(_ part: SessionPart) throws -> PartResult {
        try desk.decode(part, for: number)
    }
}

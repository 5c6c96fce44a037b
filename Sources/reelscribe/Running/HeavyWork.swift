import VideoUnderstanding

/// What a run of the model needs besides its input.
struct WorkOrder {
    /// The value of `--model`.
    var model: String?
    var settings: Settings
    var progress: ProgressMeter
    var interruption: Interruption { Signals.interruption }
}

/// One call of the trace command.
struct TraceOrder {
    var videos: [String]
    var prompt: String
    /// The safetensors file to write.
    var output: String
    var withFrames: Bool
    var allLogits: Bool
}

/// What the bench command measures.
struct BenchOrder {
    /// Random weights of a published size, unless a checkpoint is named.
    var size: ModelSize
    /// Layers of the language model that are kept.
    var layers: Int?
}

/// The calls of the commands into the path. The model is loaded once, at the first call that
/// needs it.
final class HeavyWork {
    let order: WorkOrder

    init(_ order: WorkOrder) { self.order = order }

    func summarize(_ video: String) throws(Failure) -> SummaryDocument { throw notConnected }

    /// - Parameter onText: gets pieces of the text of the answer as they arise.
    func answers(
        about video: String, to questions: [QuestionList.Question],
        onText: ((String) throws(Failure) -> Void)?
    ) throws(Failure) -> [AnswerDocument] { throw notConnected }

    /// - Parameter contactSheet: PNG file to draw, or nil.
    func frames(of video: String, contactSheet: String?) throws(Failure) -> FramesDocument {
        throw notConnected
    }

    /// - Parameter question: plans an answer to it; a summary where nil.
    func plan(_ video: String, question: String?) throws(Failure) -> PlanDocument {
        throw notConnected
    }

    func trace(_ trace: TraceOrder) throws(Failure) { throw notConnected }

    func modelInfo(_ model: LocatedModel) throws(Failure) -> ModelInfoDocument {
        throw notConnected
    }

    func bench(_ bench: BenchOrder) throws(Failure) -> BenchDocument { throw notConnected }

    /// Text to ids and back with the tokenizer in a folder.
    func tokenizer(
        in folder: String
    ) throws(Failure) -> (
        encode: (String) -> [Int], decode: ([Int]) throws(Failure) -> String
    ) { throw notConnected }

    /// What the linked libraries say about themselves.
    static var probes: MachineProbes {
        MachineProbes(libraries: [], hasDecoder: { _ in false }, instructionSet: "", blas: "")
    }

    private var notConnected: Failure {
        Failure(.internalError, stage: .tool, message: "this build has no model path")
    }
}

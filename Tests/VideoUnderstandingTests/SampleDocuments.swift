import Imaging
import OrderedJSON
import VideoUnderstanding

/// Sound documents for tests to look at and to break.
enum SampleDocuments {
    static let video = VideoRecord(
        uri: "clip.mp4", sha256: String(repeating: "0a", count: 32), container: "mp4",
        codec: "h264", duration: 61.5, startTime: -0.04, size: PixelSize(width: 640, height: 360),
        rotation: -90, frameRate: 30_000.0 / 1001.0, framesDecoded: 1800,
        coverage: CoverageRecord(
            seen: [TimeRange(start: 0, end: 10), TimeRange(start: 12, end: 61.5)],
            unseen: [TimeRange(start: 10, end: 12)]))

    static let sampling = SamplingRecord(
        mode: "pts", fps: 2, frameSize: PixelSize(width: 476, height: 280),
        grids: [PatchGrid(time: 2, height: 20, width: 34)], timestamps: [0, 0.5, 1.001])

    static func provenance(timing: TimingRecord? = TimingRecord()) -> Provenance {
        Provenance(
            sampling: sampling,
            model: ModelRecord(
                name: "sample", fingerprint: "f00d", weights: "bf16", mrope: "max"),
            settings: Settings().json(for: .summary),
            usage: UsageRecord(visualTokens: 340, promptTokens: 400, generatedTokens: 12),
            finishReason: .stop,
            warnings: [WarningRecord(code: "model.untrained", message: "the text is noise")],
            timing: timing)
    }

    static func segment(_ start: Double, _ end: Double, _ boundary: SegmentBoundary = .window)
        -> SegmentRecord
    {
        SegmentRecord(
            range: TimeRange(start: start, end: end), boundary: boundary, summary: "A street.",
            keyframe: start, confidence: 0.5)
    }

    static let summary = SummaryDocument(
        job: JobReference(id: "a1", meta: ["k": 1], questionIndex: nil), video: video,
        summary: "A street.", segments: [segment(0, 30), segment(30, 61.5, .end)],
        provenance: provenance())

    static let answer = AnswerDocument(
        job: JobReference(questionIndex: 1), video: video, question: "What?",
        answer: .string("A car."),
        outcome: ChoiceOutcome(
            choice: "car",
            choices: [
                ChoiceRecord(label: "car", probability: 0.75),
                ChoiceRecord(label: "bus", probability: 0.25),
            ]), confidence: 0.75, times: [TimeRange(start: 1, end: 2)],
        evidence: [
            EvidenceRecord(range: TimeRange(start: 5, end: 6), keyframe: 5.5, score: 0.1),
            EvidenceRecord(range: TimeRange(start: 1, end: 2), keyframe: 1, score: 0.9),
        ], verification: VerificationRecord(probability: 0.25), provenance: provenance())

    static let error = ErrorDocument(
        uri: "x.mp4",
        failure: Failure(.decodeDamaged, stage: .decode, message: "no picture", hint: "repair it"))

    static let frames = FramesDocument(
        video: video, sampling: sampling,
        pairs: [
            FramePairRecord(range: TimeRange(start: 0, end: 1.001), first: 0, second: 1),
            FramePairRecord(range: TimeRange(start: 1.001, end: 1.5), first: 2, second: 2),
        ], visualTokens: 340, settings: Settings().json(for: .summary), timing: TimingRecord())

    static let plan = PlanDocument(
        uri: "clip.mp4", container: "mp4", codec: "h264", duration: 61.5,
        size: PixelSize(width: 640, height: 360),
        windows: [
            PlannedWindow(
                range: TimeRange(start: 0, end: 30), frames: 60,
                frameSize: PixelSize(width: 476, height: 280),
                grid: PatchGrid(time: 30, height: 20, width: 34), encodedPairs: 29,
                visualTokens: 5100, droppedVisualTokens: 17, promptTokens: 5150)
        ],
        model: ModelRecord(name: "sample", fingerprint: "f00d", weights: "f32", mrope: "hf5"),
        usage: UsageRecord(
            visualTokens: 5100, droppedVisualTokens: 17, promptTokens: 5150, generatedTokens: 256),
        memory: MemoryEstimate(
            program: 5, weights: 10, cache: 20, scratch: 30, frames: 40, limit: 99),
        summingUp: UsageRecord(promptTokens: 600, generatedTokens: 256),
        estimate: TimingRecord(), settings: Settings().json(for: .summary))

    static let modelInfo = ModelInfoDocument(
        path: "/models/tiny", name: "tiny", fingerprint: "f00d",
        architecture: "Qwen2VLForConditionalGeneration", weights: "bf16",
        storage: [
            StorageRecord(stored: "bf16", memory: "bf16", isExact: true, parameters: 5)
        ], memory: 10, parameters: ParameterCounts(vision: 2, language: 3),
        files: [CheckpointFileRecord(name: "model.safetensors", bytes: 10)],
        text: ["layers": 2], vision: [:], generation: [:], preprocessor: [:], tokenizer: [:])

    static let bench = BenchDocument(
        machine: MachineRecord(
            cpu: "x", cores: 2, instructionSet: "avx512", threads: 2, blas: "openblas", memory: 1),
        model: "2b", weights: "bf16", activations: .fast, layers: 28, weightBytes: 4_000_000_000,
        measurements: [
            MeasurementRecord(
                name: "prefill_512", value: 100.25, unit: "tokens/s", efficiency: 0.7,
                relativeTo: "sgemm")
        ], peakMemory: 5_000_000_000)

    static let doctor = DoctorDocument(
        checks: [CheckRecord(name: "BLAS", status: .warning, found: "none", hint: "install it")],
        libraries: [LibraryRecord(name: "libavcodec", version: "59.37.100")])

    static let validation = ValidationDocument(
        file: "a.jsonl",
        report: ValidationReport(
            documents: 2,
            faults: [
                ValidationFault(line: 2, fault: SchemaFault(path: "/x", message: "is missing"))
            ]))

    static let all: [any Document] = [
        summary, answer, error, frames, plan, modelInfo, bench, doctor, validation,
    ]
}

extension JSON {
    /// The value with the part at `path` replaced, or removed for nil.
    func replacing(_ path: [String], with value: JSON?) -> JSON {
        guard let step = path.first else { return value ?? .null }
        let rest = Array(path.dropFirst())
        if case .array(var elements) = self, let index = Int(step) {
            if rest.isEmpty, value == nil {
                elements.remove(at: index)
            } else {
                elements[index] = elements[index].replacing(rest, with: value)
            }
            return .array(elements)
        }
        guard case .object(var object) = self else { return self }
        if rest.isEmpty {
            object[step] = value
        } else if let child = object[step] {
            object[step] = child.replacing(rest, with: value)
        }
        return .object(object)
    }
}

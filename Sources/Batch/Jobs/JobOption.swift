import OrderedJSON
import VideoUnderstanding

/// One option that a job may set for itself, under the name it has on the command line.
public struct JobOption: Sendable {
    /// The long name without its dashes.
    public let name: String
    /// The tasks it means something to.
    public let tasks: Set<JobTaskName>
    /// What a value must be, for messages: `a number`, …
    let expected: String
    /// False where the value is none of the expected.
    let apply: @Sendable (JSON, inout Settings) -> Bool

    /// All of them, in the order of the command line's help.
    public static let all: [JobOption] = sampling + generation + words + shapes

    /// Options of the command line that decide for the whole run: what is loaded, what may be
    /// touched, and where results go.
    static let ofRun: Set<String> = [
        "model", "weights", "vision-weights", "kv", "activations", "mrope", "threads",
        "batch", "drafts", "max-memory",
        "allow-references",
        "output",
        "no-timing",
    ]

    private static let sampling: [JobOption] = [
        rational("fps", \.sampling.fps),
        choice("sampling") { $1.sampling.mode = $0 },
        time("start", \.sampling.start),
        time("end", \.sampling.end),
        whole("min-frames") { $1.sampling.minFrames = $0 },
        whole("max-frames") { $1.sampling.maxFrames = $0 },
        choice("detail") { $1.pixels.detail = $0 },
        whole("min-pixels") { $1.pixels.minPixels = $0 },
        whole("max-pixels") { $1.pixels.maxPixels = $0 },
        whole("total-pixels") { $1.pixels.totalPixels = $0 },
        number("prune") { $1.prune = $0 },
        rational("input-fps", \.sampling.inputFPS),
    ]

    private static let generation: [JobOption] = [
        whole("max-new-tokens") { $1.generation.maxNewTokens = $0 },
        number("temperature") { $1.generation.temperature = $0 },
        whole("top-k") { $1.generation.topK = $0 },
        number("top-p") { $1.generation.topP = $0 },
        number("repetition-penalty") { $1.generation.repetitionPenalty = $0 },
        JobOption("seed", "a whole number from 0 to 2^64 - 1") { value, settings in
            // Beyond what a double or a signed integer holds.
            guard case .number(let number) = value, let seed = UInt64(number.literal) else {
                return false
            }
            settings.generation.seed = seed
            return true
        },
    ]

    private static let words: [JobOption] = [
        JobOption("window", "seconds: a number", tasks: [.summarize]) { value, settings in
            guard let seconds = fraction(value) else { return false }
            settings.window = seconds
            return true
        },
        choice("cuts", tasks: [.summarize]) { $1.cuts = $0 },
        JobOption("min-segment", "seconds: a number", tasks: [.summarize]) { value, settings in
            guard let seconds = fraction(value) else { return false }
            settings.minSegment = seconds
            return true
        },
        choice("segments", tasks: [.summarize]) { $1.segments = $0 },
        choice("repetitions", tasks: [.summarize]) { $1.repetitions = $0 },
        choice("chapters", tasks: [.summarize]) { $1.chapters = $0 },
        JobOption("verify", "true or false", tasks: [.ask]) { value, settings in
            guard let verifies = value.bool else { return false }
            settings.verifiesAnswers = verifies
            return true
        },
        text("prompt", tasks: [.summarize], \.prompt),
        text("system", tasks: Set(JobTaskName.allCases), \.system),
        JobOption("subtitles", "\"auto\", \"none\" or the path of a file") { value, settings in
            guard let choice = value.string.flatMap(SubtitleChoice.init(typed:)) else {
                return false
            }
            settings.subtitles.choice = choice
            return true
        },
        whole("subtitle-tokens") { $1.subtitles.maxTokens = $0 },
    ]

    /// Names of the options that each say what answers look like: a job may have one of them.
    static let shapeNames = ["json-schema", "shape", "choices"]

    private static let shapes: [JobOption] = [
        JobOption(shapeNames[0], "a JSON Schema: an object", tasks: [.ask]) { value, settings in
            guard value.object != nil else { return false }
            settings.answerShape = .schema(value)
            return true
        },
        choice(shapeNames[1], tasks: [.ask]) { (shape: BuiltInShape, settings: inout Settings) in
            settings.answerShape = .builtIn(shape)
        },
        JobOption(
            shapeNames[2], "a list of labels, or text with commas between them", tasks: [.ask]
        ) { value, settings in
            if let text = value.string {
                settings.answerShape = .choices(typed: [text])
                return true
            }
            guard let labels = value.array?.compactMap(\.string),
                labels.count == value.array?.count
            else { return false }
            settings.answerShape = .choices(labels)
            return true
        },
    ]

    private init(
        _ name: String, _ expected: String, tasks: Set<JobTaskName> = Set(JobTaskName.allCases),
        apply: @escaping @Sendable (JSON, inout Settings) -> Bool
    ) {
        self.name = name
        self.tasks = tasks
        self.expected = expected
        self.apply = apply
    }

    // MARK: - Kinds of options

    private static func whole(
        _ name: String, _ set: @escaping @Sendable (Int, inout Settings) -> Void
    ) -> JobOption {
        JobOption(name, "a whole number") { value, settings in
            guard let number = value.int else { return false }
            set(number, &settings)
            return true
        }
    }

    private static func number(
        _ name: String, _ set: @escaping @Sendable (Double, inout Settings) -> Void
    ) -> JobOption {
        JobOption(name, "a number") { value, settings in
            guard let number = value.double, number.isFinite else { return false }
            set(number, &settings)
            return true
        }
    }

    private static func rational(
        _ name: String, _ place: WritableKeyPath<Settings, Rational> & Sendable
    ) -> JobOption {
        JobOption(name, "a rate: a number, or text such as \"30000/1001\"") { value, settings in
            guard let rate = fraction(value) else { return false }
            settings[keyPath: place] = rate
            return true
        }
    }

    private static func time(
        _ name: String, _ place: WritableKeyPath<Settings, TimePosition?> & Sendable
    ) -> JobOption {
        JobOption(name, "a time: seconds, or \"HH:MM:SS.mmm\"") { value, settings in
            guard let text = typed(value), let time = TimePosition(parsing: text) else {
                return false
            }
            settings[keyPath: place] = time
            return true
        }
    }

    private static func choice<Choice: RawRepresentable & CaseIterable & SendableMetatype>(
        _ name: String, tasks: Set<JobTaskName> = Set(JobTaskName.allCases),
        _ set: @escaping @Sendable (Choice, inout Settings) -> Void
    ) -> JobOption where Choice.RawValue == String {
        let words = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        return JobOption(name, "one of \(words)", tasks: tasks) { value, settings in
            guard let choice = value.string.flatMap(Choice.init(rawValue:)) else { return false }
            set(choice, &settings)
            return true
        }
    }

    private static func text(
        _ name: String, tasks: Set<JobTaskName>,
        _ place: WritableKeyPath<Settings, String?> & Sendable
    ) -> JobOption {
        JobOption(name, "text", tasks: tasks) { value, settings in
            guard let text = value.string else { return false }
            settings[keyPath: place] = text
            return true
        }
    }

    private static func fraction(_ value: JSON) -> Rational? {
        guard let text = typed(value), !text.hasPrefix("-") else { return nil }
        return Rational(text: text)
    }

    /// A number or a string as it would be typed on the command line.
    private static func typed(_ value: JSON) -> String? {
        if case .number(let number) = value { return number.literal }
        return value.string
    }
}

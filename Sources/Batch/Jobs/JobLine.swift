import OrderedJSON
import Video
import VideoUnderstanding

/// What a line of a manifest says: a job, or why it is none.
///
/// Source: contract section 4.
public enum JobLine: Sendable, Equatable {
    case job(Job)
    case invalid(InvalidJob)

    /// Bytes of one line; longer ones are refused.
    public static let longest = 16 << 20

    public var id: String {
        switch self {
        case .job(let job): job.id
        case .invalid(let job): job.id
        }
    }

    /// Whether a line holds nothing but white space, and is passed over.
    public static func isBlank(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.allSatisfy(isSpace)
    }

    /// Reads one line. What is wrong with it becomes part of the value, as a bad line must not end
    /// the work on the others.
    ///
    /// Members that are null count as absent, but for `meta`: tables give rows that way.
    /// - Parameters:
    ///   - line: its number from 1, for messages.
    ///   - base: the settings of the run, which the line's options go over.
    public static func parse(
        _ bytes: some Collection<UInt8>, line: Int, base: Settings
    ) -> JobLine {
        parse(bytes, place: "line \(line)", base: base)
    }

    static func parse(
        _ bytes: some Collection<UInt8>, place: String, base: Settings,
        overriding: SettingsOverride? = nil
    ) -> JobLine {
        var reading = JobReading(id: defaultID(of: bytes))
        do throws(JobFault) {
            guard bytes.count <= longest else {
                throw .tooLong(bytes: bytes.count, limit: longest)
            }
            let value: JSON
            do {
                value = try JSON.parse(bytes)
            } catch {
                throw JobFault.notJSON(error)
            }
            return .job(try reading.job(value, base: base, overriding))
        } catch {
            return .invalid(reading.invalid(error, place: place))
        }
    }

    /// The id of a line that names none: the first 32 hexadecimal digits of the SHA-256 of its
    /// bytes, without the white space around them.
    public static func defaultID(of bytes: some Collection<UInt8>) -> String {
        var line = Array(bytes.drop(while: isSpace))
        while let last = line.last, isSpace(last) { line.removeLast() }
        return Fingerprint.of(line)
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A
    }
}

/// Short names for bytes: equal names are equal bytes.
public enum Fingerprint {
    /// The first 32 hexadecimal digits of the SHA-256 of `bytes`.
    public static func of(_ bytes: some Collection<UInt8>) -> String {
        do {
            return String(try sha256(of: bytes).prefix(32))
        } catch {
            preconditionFailure("no memory for a digest: \(error)")
        }
    }

    public static func of(_ text: String) -> String { of(Array(text.utf8)) }
}

/// The members of one line while they are read; what was understood before a fault is kept, so that
/// the error document still names the job.
private struct JobReading {
    var id: String
    var meta: JSON?
    var video: String?

    func invalid(_ fault: JobFault, place: String) -> InvalidJob {
        InvalidJob(id: id, meta: meta, video: video, fault: fault, place: place)
    }

    mutating func job(
        _ value: JSON, base: Settings, _ overriding: SettingsOverride?
    ) throws(JobFault) -> Job {
        guard case .object(let object) = value else { throw .notAnObject }
        // What ties the result to the job comes first: any fault is reported under it.
        meta = object["meta"]
        let id = try text(object["id"], "id", isRequired: false)
        if let id, !id.isEmpty { self.id = id }
        video = object["video"]?.string
        if let repeated = object.firstRepeatedKey { throw .repeated(member: repeated) }
        let known = ["id", "video", "task", "questions", "options", "meta"]
        for member in object.members where !known.contains(member.key) {
            throw .unknown(member: member.key)
        }
        if let id, id.isEmpty { throw wrong("id", "a text with something in it", .string(id)) }

        let video = try text(object["video"], "video", isRequired: true) ?? ""
        guard !video.isEmpty, video != "-", !video.unicodeScalars.contains("\0") else {
            throw wrong("video", "a file, an address, a folder or a glob", .string(video))
        }
        let word = try text(object["task"], "task", isRequired: true) ?? ""
        guard let name = JobTaskName(rawValue: word) else {
            let words = JobTaskName.allCases.map { "\"\($0.rawValue)\"" }
            throw wrong("task", words.joined(separator: " or "), .string(word))
        }
        let task: Job.Task
        switch name {
        case .summarize:
            if let questions = object["questions"], !questions.isNull { throw .questionsWithoutAsk }
            task = .summarize
        case .ask: task = .ask(try questions(object["questions"]))
        }
        let settings = try base.applying(
            object["options"] ?? .null, of: name, overriding: overriding)
        return Job(id: self.id, video: video, task: task, settings: settings, meta: meta)
    }

    private func questions(_ value: JSON?) throws(JobFault) -> [String] {
        guard let value, !value.isNull else { throw .missing(member: "questions") }
        guard let list = value.array, !list.isEmpty else {
            throw wrong("questions", "a list of one or more questions", value)
        }
        var questions: [String] = []
        for (index, item) in list.enumerated() {
            guard let question = item.string, !question.isEmpty else {
                throw wrong("questions[\(index)]", "a text with something in it", item)
            }
            questions.append(question)
        }
        return questions
    }

    private func text(
        _ value: JSON?, _ member: String, isRequired: Bool
    ) throws(JobFault) -> String? {
        guard let value, !value.isNull else {
            if isRequired { throw .missing(member: member) }
            return nil
        }
        guard let text = value.string else { throw wrong(member, "a text", value) }
        return text
    }

    private func wrong(_ member: String, _ expected: String, _ found: JSON) -> JobFault {
        .wrong(member: member, expected: expected, found: JobFault.excerpt(found))
    }
}

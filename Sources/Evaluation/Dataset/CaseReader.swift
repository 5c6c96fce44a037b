import OrderedJSON
import VideoUnderstanding

/// Makes a case of a record, under the names that its fields have in public datasets.
struct CaseReader {
    private static let videoFields = [
        "video", "video_path", "videoID", "video_id", "video_name", "vid",
    ]
    private static let eventFields = ["query", "sentence", "description", "caption"]
    private static let choiceFields = ["choices", "options", "candidates"]
    private static let answerFields = ["answer", "answers", "correct_choice", "answer_idx"]
    private static let foreignIntervalFields = [
        "relevant_windows", "timestamps", "timestamp", "times",
    ]
    private static let identifierFields = ["id", "qid", "question_id"]
    private static let categoryFields = ["category", "task_type", "question_type"]

    private static let otherFields = [
        "question", "questions", "sentences", "task", "answerable", "time", "interval", "mentions",
        "forbidden", "evidence",
    ]

    /// The longest question or name that is taken, in bytes.
    private static let longestText = 32_768
    /// The latest time that is taken, in seconds.
    private static let latest = 1e7

    let finder: VideoFinder
    let categoryField: String?

    func read(_ record: DatasetReader.Record) throws(LineFault) -> EvaluationCase {
        let fields = Fields(line: record.line, object: record.object)
        let names = try fields.texts(Self.videoFields)
        guard !names.isEmpty else { throw fields.fault(.missing([Self.videoFields[0]])) }
        if let bad = names.first(where: { $0.utf8.isEmpty || $0.utf8.contains(0) }) {
            throw fields.fault(.invalid(field: "video", expected: "a path, not \"\(bad)\""))
        }
        let category =
            categoryField.map { fields.label([$0]) } ?? fields.label(Self.categoryFields)
        var item = EvaluationCase(
            line: record.line, id: fields.label(Self.identifierFields),
            video: finder.path(of: names), question: "", expectation: .text([]),
            category: category)
        if ["summarize", "summary"].contains(record.object["task"]?.string) {
            item.expectation = try summary(fields)
            return item
        }
        if let question = try fields.texts(["question"]).first {
            item.question = question
        } else if let event = try fields.texts(Self.eventFields).first {
            item.question = event
            item.isEvent = true
        } else {
            throw fields.fault(.missing(["question"] + Self.eventFields))
        }
        guard item.question.contains(where: { !$0.isWhitespace }),
            item.question.utf8.count <= Self.longestText
        else {
            throw fields.fault(
                .invalid(field: "question", expected: "a text of at most \(Self.longestText) bytes")
            )
        }
        item.expectation = try expectation(fields)
        if let evidence = fields["evidence"] {
            item.evidence = try intervals(evidence, "evidence", fields)
        }
        return item
    }

    /// Fields that nobody reads under their names, and that have nearly the name of one that is read.
    func misspelt(in record: DatasetReader.Record) -> [LineFault] {
        let known =
            Self.videoFields + Self.eventFields + Self.choiceFields + Self.answerFields
            + Self.foreignIntervalFields + Self.identifierFields + Self.categoryFields
            + Self.otherFields
        return record.object.members.compactMap { member in
            guard !known.contains(member.key), member.key != categoryField,
                let meant = NearName(member.key).nearest(of: known)
            else { return nil }
            return LineFault(
                line: record.line, reason: .misspelt(field: member.key, meant: meant))
        }
    }

    /// What is right. Our own names come first; a `timestamps` beside an `answer` only tells where
    /// the answer is seen.
    private func expectation(_ fields: Fields) throws(LineFault) -> ExpectedAnswer {
        let answer = fields.first(Self.answerFields)
        if let answerable = fields["answerable"] {
            guard let answerable = answerable.bool else {
                throw fields.fault(.invalid(field: "answerable", expected: "true or false"))
            }
            if !answerable {
                guard let answer, fields.first(Self.choiceFields) == nil else {
                    return .unanswerable(or: [])
                }
                return .unanswerable(or: try texts(answer, fields))
            }
        }
        if let time = fields["time"] { return .time(try times(time, "time", fields)) }
        if let interval = fields["interval"] {
            return .interval(try intervals(interval, "interval", fields))
        }
        if let choices = fields.first(Self.choiceFields) {
            return try choice(choices, answer?.value, fields)
        }
        if let answer { return .text(try texts(answer, fields)) }
        if let (name, value) = fields.first(Self.foreignIntervalFields) {
            if value.double != nil { return .time(try times(value, name, fields)) }
            return .interval(try intervals(value, name, fields))
        }
        throw fields.fault(.missing(["answer", "time", "interval"]))
    }

    // MARK: - Kinds of answers

    private func texts(
        _ answer: (name: String, value: JSON), _ fields: Fields
    ) throws(LineFault) -> [String] {
        let values = answer.value.array ?? [answer.value]
        let texts = values.compactMap(Fields.text)
        guard !texts.isEmpty, texts.count == values.count,
            texts.allSatisfy({ !NormalizedText($0).isEmpty && $0.utf8.count <= Self.longestText })
        else {
            throw fields.fault(
                .invalid(field: answer.name, expected: "a text, or a list of texts"))
        }
        return texts
    }

    private func choice(
        _ choices: (name: String, value: JSON), _ answer: JSON?, _ fields: Fields
    ) throws(LineFault) -> ExpectedAnswer {
        // {"A": "red", "B": "blue"} as well as ["red", "blue"] and ["A. red", "B. blue"].
        let values = choices.value.array ?? choices.value.object?.members.map(\.value) ?? []
        let texts = values.compactMap(Fields.text)
        guard (2...26).contains(texts.count), texts.count == values.count else {
            throw fields.fault(
                .invalid(field: choices.name, expected: "a list of 2 to 26 texts"))
        }
        let plain = ChoiceReader.withoutLetters(texts)
        guard let answer, let text = Fields.text(answer) else {
            throw fields.fault(.missing(["answer"]))
        }
        if let index = answer.int, texts.indices.contains(index) {
            return .choice(plain, right: index)
        }
        let wanted = NormalizedText(text)
        let right =
            plain.firstIndex { NormalizedText($0) == wanted }
            ?? texts.firstIndex { NormalizedText($0) == wanted }
            ?? ChoiceReader(plain).letter(text)
        guard let right else { throw fields.fault(.answerIsNoChoice(text)) }
        return .choice(plain, right: right)
    }

    private func times(
        _ value: JSON, _ name: String, _ fields: Fields
    ) throws(LineFault) -> [Double] {
        let values = value.array ?? [value]
        let times = values.compactMap(\.double).filter { (0...Self.latest).contains($0) }
        guard !times.isEmpty, times.count == values.count else {
            throw fields.fault(
                .invalid(field: name, expected: "seconds from 0 on, or a list of them"))
        }
        return times
    }

    private func intervals(
        _ value: JSON, _ name: String, _ fields: Fields
    ) throws(LineFault) -> [TimeRange] {
        let isOne = value.array?.first?.double != nil
        let values = isOne ? [value] : value.array ?? []
        let ranges = values.compactMap(range)
        guard !ranges.isEmpty, ranges.count == values.count else {
            throw fields.fault(
                .invalid(
                    field: name,
                    expected: "[start, end] in seconds with start before end, or a "
                        + "list of such"))
        }
        return ranges
    }

    private func range(_ value: JSON) -> TimeRange? {
        guard value.array?.count == 2, let start = value[0]?.double, let end = value[1]?.double,
            start >= 0, start < end, end <= Self.latest
        else { return nil }
        return TimeRange(start: start, end: end)
    }

    // MARK: - Summaries

    private func summary(_ fields: Fields) throws(LineFault) -> ExpectedAnswer {
        let mentions = try self.mentions("mentions", fields)
        let forbidden = try self.mentions("forbidden", fields)
        guard !mentions.isEmpty || !forbidden.isEmpty else {
            throw fields.fault(.missing(["mentions", "forbidden"]))
        }
        return .summary(mentions: mentions, forbidden: forbidden)
    }

    private func mentions(_ name: String, _ fields: Fields) throws(LineFault) -> [Mention] {
        guard let value = fields[name] else { return [] }
        let wanted = LineFault.Reason.invalid(
            field: name,
            expected: "a list of texts, lists of texts, or {\"text\", \"interval\"?}")
        guard let entries = value.array else { throw fields.fault(wanted) }
        var mentions: [Mention] = []
        for entry in entries {
            let text = entry["text"] ?? entry
            let alternatives = (text.array ?? [text]).compactMap(Fields.text)
            guard !alternatives.isEmpty, alternatives.count == (text.array ?? [text]).count,
                alternatives.allSatisfy({ !NormalizedText($0).isEmpty })
            else { throw fields.fault(wanted) }
            var mention = Mention(alternatives)
            if let interval = entry["interval"], !interval.isNull {
                guard let range = range(interval) else { throw fields.fault(wanted) }
                mention.range = range
            }
            mentions.append(mention)
        }
        return mentions
    }
}

/// The members of one record.
private struct Fields {
    let line: Int
    let object: JSONObject

    /// The member's value; nil where it is null, too.
    subscript(name: String) -> JSON? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    func first(_ names: [String]) -> (name: String, value: JSON)? {
        for name in names {
            if let value = self[name] { return (name, value) }
        }
        return nil
    }

    /// The texts of those of the members that are there.
    func texts(_ names: [String]) throws(LineFault) -> [String] {
        var texts: [String] = []
        for name in names {
            guard let value = self[name] else { continue }
            guard let text = Self.text(value) else {
                throw fault(.invalid(field: name, expected: "a text"))
            }
            texts.append(text)
        }
        return texts
    }

    /// The first of the members that is a text or a number.
    func label(_ names: [String]) -> String? {
        names.lazy.compactMap { self[$0].flatMap(Self.text) }.first
    }

    func fault(_ reason: LineFault.Reason) -> LineFault { LineFault(line: line, reason: reason) }

    /// Texts, and numbers and truth values as they are written.
    static func text(_ value: JSON) -> String? {
        switch value {
        case .string(let text): text
        case .number(let number): number.literal
        case .bool(let value): value ? "yes" : "no"
        default: nil
        }
    }
}

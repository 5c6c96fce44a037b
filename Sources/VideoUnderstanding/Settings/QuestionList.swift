import OrderedJSON

/// Questions for one video, from the command line and from a file.
public struct QuestionList: Sendable, Equatable {
    /// One question, and what is to be carried to its answer.
    public struct Question: Sendable, Equatable {
        public var text: String
        public var job: JobReference

        public init(text: String, job: JobReference) {
            self.text = text
            self.job = job
        }
    }

    public private(set) var questions: [Question] = []

    public init() {}

    public mutating func add(_ text: String, id: String? = nil, meta: JSON? = nil) {
        let job = JobReference(id: id, meta: meta, questionIndex: questions.count)
        questions.append(Question(text: text, job: job))
    }

    /// Adds a question a line: plain text, or a JSON line `{"question", "id"?, "meta"?}` or
    /// `"question"`. Empty lines are passed over.
    ///
    /// - Throws: `job.invalid`, with the line.
    public mutating func add(file path: String) throws(Failure) {
        let bytes = try SystemFiles.read(path, stage: .options)
        for (index, line) in bytes.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
        ).enumerated() {
            guard var text = String(validating: line, as: UTF8.self) else {
                throw fault(path, index, "not UTF-8")
            }
            while let last = text.unicodeScalars.last, ["\r", " ", "\t"].contains(last) {
                text.unicodeScalars.removeLast()
            }
            guard !text.isEmpty else { continue }
            let isObject = text.utf8.first == UInt8(ascii: "{")
            guard isObject || text.utf8.first == UInt8(ascii: "\"") else {
                add(text)
                continue
            }
            guard let value = try? JSON.parse(text) else {
                // A question may begin with a quotation mark; an object that is broken may not.
                if isObject { throw fault(path, index, "not valid JSON") }
                add(text)
                continue
            }
            guard let question = value.string ?? value["question"]?.string else {
                throw fault(path, index, "no \"question\" in the object")
            }
            add(question, id: value["id"]?.string, meta: value["meta"])
        }
    }

    private func fault(_ path: String, _ index: Int, _ reason: String) -> Failure {
        Failure(
            .jobInvalid, stage: .options, message: "\(path), line \(index + 1): \(reason)",
            hint: "write a question a line, or {\"question\":\"…\"}")
    }
}

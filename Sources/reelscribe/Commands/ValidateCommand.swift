import ArgumentParser
import VideoUnderstanding

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check documents against their schemas.",
        discussion: """
            FILE is one JSON document or JSON Lines. Each document is held against the schema that \
            its "schema" member names, and against what a schema cannot say: segments in order, \
            without holes and within the duration; time stamps that rise; timecodes that agree.

            Every fault is a line: file, line number, place as a JSON pointer, and what is wrong. \
            The exit code is 0 when there is none, and 65 otherwise.

            EXAMPLES
              reelscribe validate results.jsonl
              reelscribe summarize talk.mp4 | reelscribe validate -
              reelscribe validate answers.json --schema form.schema.json
            """)

    @Argument(help: ArgumentHelp("The documents; - is standard input."), completion: .file())
    var files: [String]

    @Option(
        help: ArgumentHelp(
            "Hold every document against this schema in place of its own: a file with a JSON Schema, or a name of `reelscribe schema`.",
            valueName: "file|name"),
        completion: .file(extensions: ["json"]))
    var schema: String?

    @Flag(help: "Write one document a file (reelscribe/validation@1) in place of lines.")
    var json = false

    @OptionGroup(title: "Output") var output: OutputOptions

    func run() throws {
        let validator = try validator()
        var documents = try output.documents(isSingle: files.count == 1 && json)
        var isValid = true
        for file in files {
            let report = try validator.validate(file: file)
            isValid = isValid && report.isValid
            if json {
                try documents.write(ValidationDocument(file: file, report: report))
                continue
            }
            for entry in report.faults {
                let name = file == "-" ? "standard input" : file
                try documents.write(text: "\(name):\(entry.line): \(entry.fault)")
            }
            if report.isValid {
                let count = report.documents == 1 ? "1 document" : "\(report.documents) documents"
                try documents.write(text: "\(file): \(count), valid")
            }
        }
        try documents.finish()
        if !isValid { throw ExitCode(RunStatus.badInput.rawValue) }
    }

    private func validator() throws(Failure) -> DocumentValidator {
        guard let schema else { return DocumentValidator() }
        if let kind = DocumentKind(naming: schema) {
            return DocumentValidator(.custom(kind.schema))
        }
        return DocumentValidator(.custom(try JSONSchema.load(file: schema)))
    }
}

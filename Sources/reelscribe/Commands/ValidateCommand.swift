import ArgumentParser
import Batch
import VideoUnderstanding

struct ValidateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check documents against their schemas, and manifests and job files.",
        discussion: """
            FILE is one JSON document, JSON Lines, a manifest, or a job file in YAML (.yaml, .yml). \
            Each document is held against the schema that its "schema" member names, and against \
            what a schema cannot say: segments in order, without holes and within the duration; \
            time stamps that rise; timecodes that agree. The lines of a manifest must be jobs, each \
            with an id of its own.

            Every fault is a line: file, line number, place as a JSON pointer, and what is wrong. \
            The exit code is 0 when there is none, and 65 otherwise. A file without a document is a \
            fault, unless it is the results of a run that had no jobs. Inputs of a manifest or of a \
            job file that are not there, and patterns that match nothing, are warnings: lines of \
            the same form that leave the exit code alone.

            EXAMPLES
              reelscribe validate results.jsonl
              reelscribe validate jobs.jsonl job.yaml
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
            let (report, noun) = try report(on: file, validator)
            isValid = isValid && report.isValid
            if json {
                try documents.write(ValidationDocument(file: file, report: report))
                continue
            }
            let name = file == "-" ? "standard input" : file
            for entry in report.faults {
                let isWhole = entry.fault.path.isEmpty
                let what = isWhole ? entry.fault.message : entry.fault.description
                try documents.write(text: "\(name):\(entry.line): \(what)")
            }
            for entry in report.warnings {
                try documents.write(
                    text: "\(name):\(entry.line): warning: \(entry.fault.message)")
            }
            if report.isValid {
                let count = report.documents == 1 ? "1 \(noun)" : "\(report.documents) \(noun)s"
                try documents.write(text: "\(file): \(count), valid")
            }
        }
        try documents.finish()
        if !isValid { throw ExitCode(RunStatus.badInput.rawValue) }
    }

    /// What was found, and the word for what was counted.
    private func report(
        on file: String, _ validator: DocumentValidator
    ) throws(Failure) -> (ValidationReport, noun: String) {
        let name = file.lowercased()
        if schema == nil, name.hasSuffix(".yaml") || name.hasSuffix(".yml") {
            return (try jobFileReport(on: file), "document")
        }
        let bytes = try DocumentValidator.bytes(of: file)
        if schema == nil, let report = ManifestCheck.report(on: bytes, named: file) {
            return (report, "job")
        }
        let report = validator.validate(bytes)
        // A run writes its journal beside its results before anything else.
        if report.documents == 0, SystemFiles.isFile(BatchOptions.journalPath(of: file)) {
            return (ValidationReport(documents: 0, faults: []), "document")
        }
        return (report, "document")
    }

    private func jobFileReport(on file: String) throws(Failure) -> ValidationReport {
        do throws(BatchError) {
            let (faults, warnings) = try JobFile.check(file)
            return ValidationReport(
                documents: 1,
                faults: faults.map { ValidationFault(line: $0.line, message: $0.message) },
                warnings: warnings.map { ValidationFault(line: $0.line, message: $0.message) })
        } catch {
            throw error.failure
        }
    }

    private func validator() throws(Failure) -> DocumentValidator {
        guard let schema else { return DocumentValidator() }
        if let kind = DocumentKind(naming: schema) {
            return DocumentValidator(.custom(kind.schema))
        }
        return DocumentValidator(.custom(try JSONSchema.load(file: schema)))
    }
}

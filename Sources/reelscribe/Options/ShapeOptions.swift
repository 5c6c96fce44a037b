import ArgumentParser
import VideoUnderstanding

extension BuiltInShape: ExpressibleByArgument {}

/// What answers look like.
struct ShapeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Answers are JSON that conforms to this JSON Schema, whatever the model does. A schema that asks for what cannot be guaranteed is refused at once.",
            valueName: "file"),
        completion: .file(),
        transform: { path in
            do {
                return try AnswerShape(schemaFile: path)
            } catch let failure as Failure {
                throw ValidationError(failure.description)
            }
        })
    var jsonSchema: AnswerShape?

    @Option(
        help: ArgumentHelp(
            "A schema by name: intervals [{start, end}], events [{start, end, description}], yes-no {answer}. Times are those of sampled frames, in order.",
            valueName: "name"))
    var shape: BuiltInShape?

    @Option(
        help: ArgumentHelp(
            "Answers are one of these, each with its probability. Write \\, for a comma inside a label, or give the option once for each label.",
            valueName: "A,B,…"))
    var choices: [String] = []

    func validate() throws {
        let given = [jsonSchema != nil, shape != nil, !choices.isEmpty].count { $0 }
        if given > 1 {
            throw ValidationError("--json-schema, --shape and --choices exclude one another.")
        }
    }

    /// Puts in what the user said.
    func apply(to settings: inout Settings) {
        if let jsonSchema { settings.answerShape = jsonSchema }
        if let shape { settings.answerShape = .builtIn(shape) }
        if !choices.isEmpty { settings.answerShape = .choices(typed: choices) }
    }
}

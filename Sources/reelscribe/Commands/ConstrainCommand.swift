import ArgumentParser
import OrderedJSON
import VideoUnderstanding

struct ConstrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "constrain",
        abstract: "Hold a model of random logits to JSON Schemas.",
        discussion: """
            A check of constrained output, without a checkpoint: every line of standard input, \
            {"schema", "instants"?, "max_tokens"?}, gives a line {"text", "finish", "tokens", \
            "seconds"} whose text must conform to the schema, or {"error"} where the schema is \
            refused. "seconds" lists what it took to work out the allowed tokens, token by token.
            """,
        shouldDisplay: false)

    @Option(
        help: ArgumentHelp(
            "Folder with tokenizer.json, or with vocab.json and merges.txt. (default: the default model's)",
            valueName: "dir"),
        completion: .directory)
    var tokenizer: String?

    @Option(help: ArgumentHelp("Equal seeds give equal texts.", valueName: "n"))
    var seed: UInt64 = 0

    func run() throws {
        var folder = tokenizer
        if folder == nil { folder = try ModelLocator(.process).locate(nil).path }
        let trial = try ConstraintTrial(tokenizer: folder ?? "")
        var output = try FileOutput(path: nil, atomically: false)
        var number: UInt64 = 0
        while let line = readLine(strippingNewline: true) {
            number += 1
            try output.write(try answer(line, number, trial).compact + "\n")
        }
        try output.finish()
    }

    private func answer(
        _ line: String, _ number: UInt64, _ trial: ConstraintTrial
    ) throws(Failure) -> JSON {
        guard let order = try? JSON.parse(line, maximumDepth: 256), let schema = order["schema"]
        else {
            throw Failure(
                .inputInvalid, stage: .options, message: "line \(number) has no \"schema\"")
        }
        do throws(Failure) {
            let outcome = try trial.run(
                schema: schema, instants: order["instants"]?.array?.compactMap(\.double) ?? [],
                maxTokens: order["max_tokens"]?.int ?? 128, seed: seed &* 1_000_003 &+ number,
                eagerness: Float(number % 4) * 3)
            return [
                "text": .string(outcome.text), "finish": .string(outcome.finish.rawValue),
                "tokens": .int(outcome.tokens),
                "seconds": .array(outcome.seconds.map { .decimal($0, decimals: 9) }),
            ]
        } catch {
            guard error.code == .jobInvalid else { throw error }
            return ["error": .string(error.message)]
        }
    }
}

import ArgumentParser
import VideoUnderstanding

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of a document.",
        discussion: """
            Draft 2020-12, complete in itself. More members may be added to a document; none of \
            those in its schema changes its meaning within a major version.

            EXAMPLES
              reelscribe schema                     lists the names
              reelscribe schema summary > summary.schema.json
              reelscribe schema reelscribe/answer@1
            """)

    @Argument(
        help: ArgumentHelp("The name, with or without its version.", valueName: "name"),
        completion: .list(DocumentKind.allCases.map(\.rawValue)))
    var name: String?

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Write there; - is standard output.", valueName: "file"),
        completion: .file())
    var output: String?

    func validate() throws {
        if let name, DocumentKind(naming: name) == nil {
            let known = DocumentKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("There is no schema called '\(name)'. There are: \(known).")
        }
    }

    func run() throws {
        var file = try FileOutput(path: output, atomically: true)
        if let kind = name.flatMap(DocumentKind.init(naming:)) {
            try file.write(kind.schemaText)
        } else {
            try file.write(DocumentKind.allCases.map { "\($0.identifier)\n" }.joined())
        }
        try file.finish()
    }
}

import ArgumentParser
import OrderedJSON
import VideoUnderstanding

struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize",
        abstract: "Turn text into token ids, and ids into text.",
        discussion: """
            Without --jsonl the whole of standard input (or TEXT) is one text, and the ids are \
            written with spaces between them; --decode goes the other way. With --jsonl every line \
            {"text":"…"} gives a line {"ids":[…]}, and with --decode the reverse. Special tokens \
            inside the text are recognised, as the reference tokenizer does.

            EXAMPLES
              reelscribe tokenize 'a red car'
              reelscribe tokenize --decode 64 364 466
              reelscribe tokenize --jsonl < texts.jsonl > ids.jsonl
            """)

    @Argument(
        help: ArgumentHelp(
            "A text, or ids with --decode. (default: standard input)", valueName: "text"))
    var words: [String] = []

    @Option(
        help: ArgumentHelp(
            "Folder with tokenizer.json, or with vocab.json and merges.txt. (default: the default model's)",
            valueName: "dir"),
        completion: .directory)
    var tokenizer: String?

    @Flag(help: "JSON lines in, JSON lines out.")
    var jsonl = false

    @Flag(help: "From ids to text.")
    var decode = false

    @Option(
        name: [.short, .long],
        help: ArgumentHelp("Write there; - is standard output.", valueName: "file"),
        completion: .file())
    var output: String?

    @OptionGroup(title: "Reports") var reports: ReportOptions

    func validate() throws {
        if jsonl, !words.isEmpty {
            throw ValidationError("--jsonl reads standard input; leave the text out.")
        }
    }

    func run() throws {
        _ = reports.start()
        var folder = tokenizer
        if folder == nil { folder = try ModelLocator(.process).locate(nil).path }
        let tokens = try TextTokens(folder: folder ?? "")
        var file = try FileOutput(path: output, atomically: false)
        if jsonl {
            var number = 0
            while let line = readLine(strippingNewline: true) {
                number += 1
                guard !line.isEmpty else { continue }
                try file.write(try answer(line, number, tokens.encode, tokens.decode) + "\n")
            }
        } else if decode {
            let text = words.isEmpty ? standardInput() : words.joined(separator: " ")
            try file.write(try tokens.decode(try ids(text)) + "\n")
        } else {
            let text = words.isEmpty ? standardInput() : words.joined(separator: " ")
            try file.write(tokens.encode(text).map(String.init).joined(separator: " ") + "\n")
        }
        try file.finish()
    }

    private func answer(
        _ line: String, _ number: Int, _ encode: (String) -> [Int],
        _ decodeIDs: ([Int]) throws(Failure) -> String
    ) throws(Failure) -> String {
        guard let value = try? JSON.parse(line) else {
            throw wrong("line \(number) is not valid JSON")
        }
        if decode {
            guard let elements = value["ids"]?.array else {
                throw wrong("line \(number) has no \"ids\"")
            }
            let ids = elements.compactMap(\.int)
            guard ids.count == elements.count else {
                throw wrong("line \(number): \"ids\" must be whole numbers")
            }
            let object: JSON = ["text": .string(try decodeIDs(ids))]
            return object.compact
        }
        guard let text = value["text"]?.string else {
            throw wrong("line \(number) has no \"text\"")
        }
        let object: JSON = ["ids": .array(encode(text).map(JSON.int))]
        return object.compact
    }

    private func ids(_ text: String) throws(Failure) -> [Int] {
        var ids: [Int] = []
        for word in text.split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
            guard let id = Int(word) else { throw wrong("\(word) is no token id") }
            ids.append(id)
        }
        return ids
    }

    /// Everything, line ends and all.
    private func standardInput() -> String {
        var text = ""
        while let line = readLine(strippingNewline: false) { text += line }
        return text
    }

    private func wrong(_ message: String) -> Failure {
        Failure(.inputInvalid, stage: .tokenize, message: message)
    }
}

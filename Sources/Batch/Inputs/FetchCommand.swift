import VideoUnderstanding

/// A command that a user gave to fetch inputs with: words in which `{uri}` and `{path}` stand for
/// what is fetched and where to.
///
/// No shell reads it, so nothing in an address can become a command.
public struct FetchCommand: Sendable, Equatable {
    let words: [String]

    /// - Parameter text: words apart by spaces, quoted like in a shell.
    /// - Throws: `options.invalid`.
    public init(_ text: String) throws(Failure) {
        guard let words = Self.split(text), !words.isEmpty else {
            throw Self.invalid("a quote is not closed, or there is no command", text)
        }
        for place in ["{uri}", "{path}"] where !words.contains(where: { $0.contains(place) }) {
            throw Self.invalid("\(place) is missing", text)
        }
        self.words = words
    }

    /// The words to run for one input.
    func arguments(uri: String, path: String) -> [String] {
        words.map { word in
            // In one pass: an address may hold "{path}" itself.
            var result = ""
            var rest = word[...]
            while let brace = rest.firstIndex(of: "{") {
                result += rest[..<brace]
                rest = rest[brace...]
                if rest.hasPrefix("{uri}") {
                    result += uri
                    rest = rest.dropFirst(5)
                } else if rest.hasPrefix("{path}") {
                    result += path
                    rest = rest.dropFirst(6)
                } else {
                    result.append("{")
                    rest = rest.dropFirst()
                }
            }
            return result + rest
        }
    }

    private static func invalid(_ reason: String, _ text: String) -> Failure {
        Failure(
            .optionsInvalid, stage: .options, message: "--fetch '\(text)': \(reason)",
            hint: "as in --fetch 'aws s3 cp {uri} {path}'")
    }

    /// Words as a shell would split them; nil where a quote is not closed.
    private static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var isEscaped = false
        for character in text {
            if isEscaped {
                word = (word ?? "") + String(character)
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if let open = quote {
                if character == open {
                    quote = nil
                } else {
                    word = (word ?? "") + String(character)
                }
            } else if character == "'" || character == "\"" {
                quote = character
                word = word ?? ""
            } else if character == " " || character == "\t" || character == "\n" {
                if let done = word { words.append(done) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        guard quote == nil, !isEscaped else { return nil }
        if let word { words.append(word) }
        return words
    }
}

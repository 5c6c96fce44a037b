/// Finds out which of several choices a free answer means.
package struct ChoiceReader {
    private let choices: [NormalizedText]

    package init(_ choices: [String]) { self.choices = choices.map(NormalizedText.init) }

    /// The place of the choice that the answer means, by the first of these that holds: it begins
    /// with a letter set off by punctuation, or names one after "answer", "option" or "choice"; it
    /// is the text of a choice; it contains the text of one choice alone; one capital letter of a
    /// choice stands alone in it. Nil where it means none, or several.
    package func read(_ answer: String) -> Int? {
        letter(answer) ?? text(answer) ?? loneLetter(answer)
    }

    /// The choice whose letter an answer gives: `B`, `b`, `(B)`, `B. blue`, `Answer: B`,
    /// `The answer is B.`, `Option B`.
    func letter(_ answer: String) -> Int? {
        let tokens = Self.tokens(answer)
        guard let first = tokens.first else { return nil }
        if tokens.count == 1 { return place(first, anyCase: true) }
        // (B) …, B. …, B) …, B: …, **B**
        let opening = tokens.prefix { Self.openers.contains($0) }.count
        if tokens.indices.contains(opening), let index = place(tokens[opening], anyCase: true) {
            guard tokens.indices.contains(opening + 1) else { return index }
            if Self.closers.contains(tokens[opening + 1]) { return index }
        }
        for (position, token) in tokens.enumerated()
        where ["answer", "option", "choice"].contains(token.lowercased()) {
            let rest = tokens[(position + 1)...].drop {
                Self.openers.contains($0)
                    || ["is", ":", "=", "option", "choice", "letter"].contains($0.lowercased())
            }
            guard let named = rest.first, let index = place(named, anyCase: false) else { continue }
            // "the answer is A small dog" names no letter.
            if rest.dropFirst().first?.first?.isLetter != true { return index }
        }
        return nil
    }

    private func text(_ answer: String) -> Int? {
        let answer = NormalizedText(answer)
        if let index = choices.firstIndex(of: answer) { return index }
        let found = choices.indices.filter { answer.contains(choices[$0]) }
        // "light red" contains "red" too: the longest counts, if the others are parts of it.
        let longest = found.max { choices[$0].words.count < choices[$1].words.count }
        guard let longest,
            found.allSatisfy({ $0 == longest || choices[longest].contains(choices[$0]) })
        else { return nil }
        return longest
    }

    private func loneLetter(_ answer: String) -> Int? {
        let tokens = Self.tokens(answer)
        let found = Set(
            tokens.indices.compactMap { index -> Int? in
                let token = tokens[index]
                let next = tokens.indices.contains(index + 1) ? tokens[index + 1] : "."
                // An article and a pronoun are no letters.
                if ["A", "I"].contains(token), next.first?.isLetter == true { return nil }
                return place(token, anyCase: false)
            })
        return found.count == 1 ? found.first : nil
    }

    private func place(_ token: String, anyCase: Bool) -> Int? {
        guard token.utf8.count == 1, let byte = (anyCase ? token.uppercased() : token).utf8.first,
            byte >= UInt8(ascii: "A")
        else { return nil }
        let index = Int(byte - UInt8(ascii: "A"))
        return choices.indices.contains(index) ? index : nil
    }

    // MARK: - Letters

    private static let openers: Set<String> = ["(", "[", "*", "\"", "'", "`"]
    private static let closers: Set<String> = [".", ")", "]", ":", ",", "*", "\"", "'", "`", ";"]

    /// Words, and every other character that is no space by itself.
    private static func tokens(_ text: String) -> [String] {
        var tokens: [String] = []
        var word = ""
        for character in text {
            if character.isLetter || character.isNumber {
                word.append(character)
                continue
            }
            if !word.isEmpty { tokens.append(word) }
            word = ""
            if !character.isWhitespace { tokens.append(String(character)) }
        }
        if !word.isEmpty { tokens.append(word) }
        return tokens
    }

    /// Choices without the letters in front of them, where every one has its own: `A. red`,
    /// `(B) blue`, `C) green`, `D: white`.
    package static func withoutLetters(_ choices: [String]) -> [String] {
        var plain: [String] = []
        for (index, choice) in choices.enumerated() {
            let letter = String(UnicodeScalar(UInt8(ascii: "A") + UInt8(index)))
            let marks = ["(\(letter))", "\(letter).", "\(letter))", "\(letter):"]
            guard let mark = marks.first(where: { choice.hasPrefix($0) }) else { return choices }
            let text = choice.dropFirst(mark.count).drop { $0.isWhitespace }
            guard !text.isEmpty else { return choices }
            plain.append(String(text))
        }
        return plain
    }
}

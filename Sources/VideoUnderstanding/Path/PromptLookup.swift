import Text

/// Guesses at the next tokens of a text: what followed the last time that its last tokens stood in
/// the prompt or in the text itself.
///
/// A guess is only ever checked, so that it changes how fast a text is written and not what it says.
/// Summaries of notes repeat much of them; answers to questions hardly anything.
package struct PromptLookup: Sendable {
    /// Tokens that must be the same before a guess is made: the more, the better it is.
    private static let lengths = [3, 2]
    /// Tokens of a guess, at most.
    package static let most = 7

    /// What was read and written.
    private var tokens: [TokenID] = []
    /// Where the token after each run of tokens last stood, and the time before that.
    private var places: [Int: [[TokenID]: Int]] = [:]
    /// Tokens of the next guess.
    private var reach = 3

    package init(_ prompt: [TokenID]) {
        tokens.reserveCapacity(prompt.count + 256)
        for token in prompt { append(token) }
    }

    /// Goes on with a token.
    package mutating func append(_ token: TokenID) {
        // The run before the new token is followed by it; the last run is followed by nothing yet.
        for length in Self.lengths where tokens.count >= length {
            places[length, default: [:]][Array(tokens.suffix(length))] = tokens.count
        }
        tokens.append(token)
    }

    /// What may follow; empty where nothing speaks for anything.
    package func draft(_ limit: Int) -> [TokenID] {
        let count = min(limit, reach)
        guard count > 0 else { return [] }
        for length in Self.lengths where tokens.count >= length {
            if let place = places[length]?[Array(tokens.suffix(length))] {
                return Array(tokens[place..<min(place + count, tokens.count)])
            }
        }
        return []
    }

    /// Makes guesses longer while they are right, and shorter while they are not.
    package mutating func judge(drafted: Int, right: Int) {
        guard drafted > 0 else { return }
        if right == drafted {
            reach = min(Self.most, reach * 2)
        } else if right == 0 {
            reach = max(1, reach / 2)
        } else {
            reach = min(Self.most, max(1, right + 1))
        }
    }
}

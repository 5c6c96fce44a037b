/// What becomes of the names of special tokens, such as `<|im_end|>`, that stand in a text.
public enum SpecialTokenPolicy: Sendable, Equatable {
    /// They become the special tokens, as in the reference tokenizer. For text that we wrote.
    case recognised
    /// They are text like any other. For text from users and files, which must not be able to end
    /// a turn of the conversation or to pretend to be a picture.
    case asText
}

/// A token beside the vocabulary, found in text by its name.
struct AddedToken: Sendable, Equatable {
    let id: TokenID
    /// UTF-8 of the name.
    let content: [UInt8]
    /// Whether it is left out of text that is shown. Tokens that are added but not special are
    /// recognised in the same way.
    let isSpecial: Bool
}

/// Finds added tokens in text: the leftmost first, and of those that start at one place the longest.
struct AddedTokenMatcher: Sendable {
    /// A tree of bytes; the root is node 0.
    private struct Step: Hashable, Sendable {
        let node: Int32
        let byte: UInt8
    }

    private var steps: [Step: Int32] = [:]
    /// By node, the token whose name ends there.
    private var tokens: [TokenID?] = [nil]
    private var firstBytes = [Bool](repeating: false, count: 256)

    /// - Parameter added: tokens with different names, none of them empty.
    init(_ added: [AddedToken]) {
        for token in added {
            precondition(!token.content.isEmpty, "added token \(token.id) without a name")
            firstBytes[Int(token.content[0])] = true
            var node: Int32 = 0
            for byte in token.content {
                let step = Step(node: node, byte: byte)
                if let known = steps[step] {
                    node = known
                } else {
                    node = Int32(tokens.count)
                    steps[step] = node
                    tokens.append(nil)
                }
            }
            tokens[Int(node)] = token.id
        }
    }

    /// The first added token at or after `start`: its bytes in the text and its id.
    func firstMatch(in text: [UInt8], from start: Int) -> (range: Range<Int>, id: TokenID)? {
        for position in start..<text.count where firstBytes[Int(text[position])] {
            if let match = longestMatch(in: text, at: position) {
                return (position..<match.end, match.id)
            }
        }
        return nil
    }

    private func longestMatch(in text: [UInt8], at start: Int) -> (end: Int, id: TokenID)? {
        var node: Int32 = 0
        var longest: (end: Int, id: TokenID)?
        for position in start..<text.count {
            guard let next = steps[Step(node: node, byte: text[position])] else { break }
            node = next
            if let token = tokens[Int(node)] { longest = (position + 1, token) }
        }
        return longest
    }
}

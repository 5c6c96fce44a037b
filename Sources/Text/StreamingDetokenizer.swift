/// Turns tokens into text one at a time, as a model produces them.
///
/// A character can be spread over several tokens; its text comes with the last of them. The parts
/// and `finish()` joined are what `Tokenizer.decode` gives for all the tokens.
public struct StreamingDetokenizer: Sendable {
    private let tokenizer: Tokenizer
    private let skippingSpecial: Bool
    /// The start of a character whose end has not come yet: at most three bytes.
    private var pending: [UInt8] = []

    public init(tokenizer: Tokenizer, skippingSpecial: Bool = true) {
        self.tokenizer = tokenizer
        self.skippingSpecial = skippingSpecial
    }

    /// The text that is complete with this token; often empty, never part of a character.
    public mutating func append(_ id: TokenID) -> String {
        tokenizer.append(id, skippingSpecial: skippingSpecial, to: &pending)
        let complete = pending.count - Self.unfinishedCount(at: pending)
        let text = String(decoding: pending[..<complete], as: UTF8.self)
        pending.removeSubrange(..<complete)
        return text
    }

    /// What is left when no more tokens come: U+FFFD for a character that was cut, or nothing.
    public mutating func finish() -> String {
        defer { pending.removeAll() }
        return String(decoding: pending, as: UTF8.self)
    }

    /// How many bytes at the end start a well-formed sequence without finishing it.
    private static func unfinishedCount(at bytes: [UInt8]) -> Int {
        for count in 1...3 where count <= bytes.count {
            let tail = bytes.suffix(count)
            guard let lead = tail.first, lead & 0xC0 != 0x80 else { continue }
            let length: Int
            // Some leads narrow the range of the second byte: no overlong forms, no surrogates,
            // nothing beyond U+10FFFF. What breaks these rules is never finished and is let go.
            let second: ClosedRange<UInt8>
            switch lead {
            case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
            case 0xE0: (length, second) = (3, 0xA0...0xBF)
            case 0xED: (length, second) = (3, 0x80...0x9F)
            case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
            case 0xF0: (length, second) = (4, 0x90...0xBF)
            case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
            case 0xF4: (length, second) = (4, 0x80...0x8F)
            default: return 0
            }
            guard count < length else { return 0 }
            if let next = tail.dropFirst().first, !second.contains(next) { return 0 }
            return count
        }
        return 0
    }
}

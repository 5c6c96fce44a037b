/// Takes the markup out of a subtitle, and leaves its words on one line.
package enum SubtitleMarkup {
    package enum Kind: Sendable {
        case subRip, webVTT
        /// The event text of SubStation Alpha, which FFmpeg's decoders make of all others.
        case subStation
    }

    /// - Returns: nil where no words are left.
    package static func words(in text: some StringProtocol, _ kind: Kind) -> String? {
        var scalars = Array(text.unicodeScalars)
        if kind == .subStation {
            // Drawings are written as letters and numbers.
            if hasDrawing(scalars) { return nil }
            scalars = withoutBreaks(scalars)
        }
        scalars = withoutCodes(scalars)
        if kind != .subStation { scalars = withoutTags(scalars) }
        if kind == .webVTT { scalars = withoutEntities(scalars) }
        return oneLine(scalars)
    }

    /// `\N`, `\n` and `\h` are spaces.
    private static func withoutBreaks(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var index = 0
        while index < scalars.count {
            if scalars[index] == "\\", index + 1 < scalars.count,
                ["N", "n", "h"].contains(scalars[index + 1])
            {
                result.append(" ")
                index += 2
            } else {
                result.append(scalars[index])
                index += 1
            }
        }
        return result
    }

    private static func hasDrawing(_ scalars: [Unicode.Scalar]) -> Bool {
        var isInside = false
        for (index, scalar) in scalars.enumerated() {
            switch scalar {
            case "{": isInside = true
            case "}": isInside = false
            case "\\" where isInside && index + 2 < scalars.count:
                let digit = scalars[index + 2]
                if scalars[index + 1] == "p", digit.value > 48, digit.value <= 57 { return true }
            default: break
            }
        }
        return false
    }

    /// Without `{\…}`; other braces are words.
    private static func withoutCodes(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var index = 0
        var closings = Closings(of: "}", in: scalars)
        while index < scalars.count {
            if scalars[index] == "{", index + 1 < scalars.count, scalars[index + 1] == "\\",
                let end = closings.first(after: index)
            {
                index = end + 1
            } else {
                result.append(scalars[index])
                index += 1
            }
        }
        return result
    }

    /// Names of tags that are markup; other angle brackets are words.
    private static let tags: Set<String> = [
        "i", "b", "u", "s", "font", "c", "v", "lang", "ruby", "rt", "br",
    ]

    private static func withoutTags(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var index = 0
        var closings = Closings(of: ">", in: scalars)
        while index < scalars.count {
            guard scalars[index] == "<", let end = closings.first(after: index) else {
                result.append(scalars[index])
                index += 1
                continue
            }
            let content = scalars[(index + 1)..<end]
            let isClosing = content.first == "/"
            let name = content.dropFirst(isClosing ? 1 : 0).prefix {
                $0.properties.isAlphabetic && $0.isASCII
            }
            let word = String(String.UnicodeScalarView(name)).lowercased()
            let isTime =
                content.first.map { $0.value >= 48 && $0.value <= 57 } ?? false
                && content.allSatisfy { $0.value >= 48 && $0.value <= 58 || $0 == "." }
            guard tags.contains(word) || isTime else {
                result.append(scalars[index])
                index += 1
                continue
            }
            // Who speaks is worth knowing.
            if word == "v", !isClosing {
                let voice = content.drop { $0 != " " }.dropFirst()
                if !voice.isEmpty { result += Array(voice) + [":", " "] }
            } else if word == "br" {
                result.append(" ")
            }
            index = end + 1
        }
        return result
    }

    /// Finds closing marks from left to right, so that a text of opening marks takes linear time.
    private struct Closings {
        private let scalars: [Unicode.Scalar]
        private let mark: Unicode.Scalar
        private var next = 0

        init(of mark: Unicode.Scalar, in scalars: [Unicode.Scalar]) {
            self.scalars = scalars
            self.mark = mark
        }

        mutating func first(after index: Int) -> Int? {
            if next <= index { next = index + 1 }
            while next < scalars.count, scalars[next] != mark { next += 1 }
            return next < scalars.count ? next : nil
        }
    }

    private static let entities: [String: Unicode.Scalar] = [
        "amp": "&", "lt": "<", "gt": ">", "nbsp": " ", "quot": "\"", "apos": "'",
        "lrm": "\u{200E}", "rlm": "\u{200F}",
    ]

    private static func withoutEntities(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        var index = 0
        while index < scalars.count {
            if scalars[index] == "&",
                let end = scalars[index..<min(index + 12, scalars.count)].firstIndex(of: ";"),
                let scalar = entity(
                    String(String.UnicodeScalarView(scalars[(index + 1)..<end])))
            {
                result.append(scalar)
                index = end + 1
            } else {
                result.append(scalars[index])
                index += 1
            }
        }
        return result
    }

    private static func entity(_ name: String) -> Unicode.Scalar? {
        guard name.hasPrefix("#") else { return entities[name] }
        let number = name.dropFirst()
        let value =
            number.lowercased().hasPrefix("x")
            ? UInt32(number.dropFirst(), radix: 16) : UInt32(number)
        return value.flatMap(Unicode.Scalar.init)
    }

    /// With single spaces, without control characters and invisible marks of direction.
    private static func oneLine(_ scalars: [Unicode.Scalar]) -> String? {
        var result = String.UnicodeScalarView()
        var bytes = 0
        var wantsSpace = false
        for scalar in scalars {
            if scalar.properties.isWhitespace {
                wantsSpace = !result.isEmpty
                continue
            }
            switch scalar.properties.generalCategory {
            case .control, .surrogate, .unassigned: continue
            case .format where scalar != "\u{200D}" && scalar != "\u{200C}": continue
            default: break
            }
            bytes += UTF8.width(scalar) + (wantsSpace ? 1 : 0)
            guard bytes <= SubtitleLimits.textBytes else { break }
            if wantsSpace { result.append(" ") }
            wantsSpace = false
            result.append(scalar)
        }
        return result.isEmpty ? nil : String(result)
    }
}

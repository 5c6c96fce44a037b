extension JSON {
    /// The value on one line, without spaces.
    public var compact: String {
        var output = ""
        JSONWriter(indented: false).write(self, level: 0, to: &output)
        return output
    }

    /// The value with one member a line, indented by two spaces; arrays of plain numbers and
    /// strings stay on one line, so that pages of timestamps do not bury the text.
    public var pretty: String {
        var output = ""
        JSONWriter(indented: true).write(self, level: 0, to: &output)
        return output
    }
}

private struct JSONWriter {
    let indented: Bool

    func write(_ value: JSON, level: Int, to output: inout String) {
        switch value {
        case .null: output += "null"
        case .bool(let value): output += value ? "true" : "false"
        case .number(let value): output += value.literal
        case .string(let value): write(value, to: &output)
        case .array(let elements):
            write(
                elements.count, "[", "]", flat: elements.allSatisfy(isFlat), level: level,
                to: &output
            ) { index, output in
                write(elements[index], level: level + 1, to: &output)
            }
        case .object(let object):
            write(object.members.count, "{", "}", flat: false, level: level, to: &output) {
                index, output in
                write(object.members[index].key, to: &output)
                output += indented ? ": " : ":"
                write(object.members[index].value, level: level + 1, to: &output)
            }
        }
    }

    private func isFlat(_ value: JSON) -> Bool {
        switch value {
        case .object: false
        case .array(let elements):
            elements.count <= 4 && elements.allSatisfy { $0.array == nil && $0.object == nil }
        default: true
        }
    }

    private func write(
        _ count: Int, _ opening: String, _ closing: String, flat: Bool, level: Int,
        to output: inout String, element: (Int, inout String) -> Void
    ) {
        output += opening
        let lines = indented && !flat && count > 0
        for index in 0..<count {
            if index > 0 { output += indented && flat ? ", " : "," }
            if lines { newLine(level + 1, to: &output) }
            element(index, &output)
        }
        if lines { newLine(level, to: &output) }
        output += closing
    }

    private func newLine(_ level: Int, to output: inout String) {
        output += "\n"
        for _ in 0..<level { output += "  " }
    }

    private func write(_ text: String, to output: inout String) {
        output += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            // U+2028 and U+2029 end a line for some readers of JSON Lines.
            case "\u{0}"..."\u{1F}", "\u{7F}", "\u{2028}", "\u{2029}":
                let digits = String(scalar.value, radix: 16)
                output += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }
}

/// Places in a JSON value, as RFC 6901 writes them.
package enum JSONPointer {
    package static func appending(_ key: String, to path: String) -> String {
        guard key.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") })
        else { return path + "/" + key }
        var escaped = ""
        for scalar in key.unicodeScalars {
            switch scalar {
            case "~": escaped += "~0"
            case "/": escaped += "~1"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return path + "/" + escaped
    }

    package static func appending(_ index: Int, to path: String) -> String { path + "/\(index)" }

    /// The place without its last step.
    package static func parent(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
        return String(path[..<slash])
    }

    /// The steps of a place, unescaped; nil where the text is no pointer.
    package static func steps(of path: String) -> [String]? {
        guard !path.isEmpty else { return [] }
        guard path.utf8.first == UInt8(ascii: "/") else { return nil }
        return path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map {
            unescaped($0)
        }
    }

    package static func value(at path: String, in document: JSON) -> JSON? {
        guard let steps = steps(of: path) else { return nil }
        var value = document
        for step in steps {
            let child = value.array == nil ? value[step] : Int(step).flatMap { value[$0] }
            guard let child else { return nil }
            value = child
        }
        return value
    }

    private static func unescaped(_ step: Substring) -> String {
        var text = ""
        var tilde = false
        for scalar in step.unicodeScalars {
            if tilde {
                text += scalar == "0" ? "~" : scalar == "1" ? "/" : "~\(scalar)"
                tilde = false
            } else if scalar == "~" {
                tilde = true
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return tilde ? text + "~" : text
    }
}

import OrderedJSON

/// How many windows of a long video are asked, one by one, whether they show what a question is
/// about.
public enum GlanceChoice: Sendable, Equatable {
    /// Some, and more of a small model.
    case auto
    case all
    case most(Int)

    /// Reads `auto`, `all` or a number.
    public init?(_ text: String) {
        switch text {
        case "auto": self = .auto
        case "all": self = .all
        default:
            guard let count = Int(text), count >= 0 else { return nil }
            self = .most(count)
        }
    }

    var json: JSON {
        switch self {
        case .auto: "auto"
        case .all: "all"
        case .most(let count): .int(count)
        }
    }
}

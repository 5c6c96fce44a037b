import OrderedJSON

extension Prompts {
    /// A question, and how its answer is to look: the model is held to it anyway, but answers better
    /// when it knows.
    public static func asking(_ question: String, shape: AnswerShape?) -> String {
        switch shape {
        case nil: question
        case .schema(let schema):
            "\(question)\nAnswer in JSON that follows this schema: \(schema.compact)"
        case .choices(let labels):
            "\(question)\nAnswer with one of these and nothing else:\n"
                + labels.joined(separator: "\n")
        }
    }
}

extension Prompts {
    /// A question with the answers among which the model chooses, each behind its letter.
    ///
    /// - Parameter choices: at most 26.
    public static func choosing(_ question: String, among choices: [String]) -> String {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        let lines = zip(letters, choices).map { "\($0). \($1)" }
        return """
            \(question)
            \(lines.joined(separator: "\n"))
            Answer with the letter of the right choice only.
            """
    }

    /// Asks when something happens that a sentence tells.
    public static func locating(_ event: String) -> String {
        """
        When does this happen in the video: \(event)
        Answer with the second at which it starts and the second at which it ends.
        """
    }
}

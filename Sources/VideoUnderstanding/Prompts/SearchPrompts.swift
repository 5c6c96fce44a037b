extension Prompts {
    /// Asks of the note on one part of a video whether that part is worth a look.
    static func relevance(of note: String, to question: String) -> String {
        """
        This is a note on one part of a video:

        \(note)

        Does this part help to answer the following question? Answer with yes or no only.

        \(question)
        """
    }

    /// Asks of one part of a video, which the model sees, whether it shows what a question is about.
    static func relevance(to question: String) -> String {
        """
        Does this part of the video show what the following question is about? Answer with yes or \
        no only.

        \(question)
        """
    }

    static let relevanceLabels = ["yes", "no"]
}

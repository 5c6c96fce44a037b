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

    /// Asks, of a part of a video that the model sees, whether it bears out an answer.
    static func verification(of answer: String, to question: String) -> String {
        """
        These parts of a video were given as the evidence for an answer.

        Question: \(question)
        Answer: \(answer)

        Do they show that this answer is right? Answer with yes or no only.
        """
    }

    static let relevanceLabels = ["yes", "no"]
}

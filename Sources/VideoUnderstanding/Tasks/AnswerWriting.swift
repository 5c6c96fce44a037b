import Constraint
import OrderedJSON
import Qwen2VL
import Text

/// How answers are written, made once for all questions about a video.
enum AnswerWriter {
    case free
    case held(Grammar)
    case choosing([String], [[TokenID]])

    /// Tokens of the longest label, 0 without labels.
    var longestLabel: Int {
        if case .choosing(_, let tokens) = self { tokens.map(\.count).max() ?? 0 } else { 0 }
    }
}

/// An answer, whatever its shape.
struct WrittenAnswer {
    var value: JSON
    var outcome: ChoiceOutcome?
    var confidence: Double
    var finish: FinishReason
    /// Tokens that were generated, the end included.
    var tokens: Int
}

extension Analyzer {
    /// - Parameter moments: the frames that the model sees, whose times answers are made of.
    func answerWriter(_ shape: AnswerShape?, moments: [SampledMoment]) throws -> AnswerWriter {
        switch shape {
        case nil: return .free
        case .schema(let schema):
            return .held(try Grammar(schema: schema, instants: SampledInstants(moments)))
        case .choices(let labels):
            return .choosing(labels, labels.map { tokenizer.encode($0, special: .asText) })
        }
    }

    /// What holds so many texts at once to the shape of an answer; nothing for a free one.
    func constraints(_ writer: AnswerWriter, count: Int) -> [ConstrainedText] {
        guard case .held(let grammar) = writer else { return [] }
        return (0..<count).map { _ in constraint(grammar) }
    }

    /// text → answer.
    func answer(_ text: GeneratedText, held constraint: ConstrainedText?) throws -> WrittenAnswer {
        WrittenAnswer(
            value: try constraint?.value() ?? .string(text.text), confidence: text.confidence,
            finish: text.finish, tokens: text.tokens.count)
    }

    /// logits → choice, of the selected sequence.
    func choose(
        _ labels: [String], _ tokens: [[TokenID]], _ session: inout Session, logits: [Float],
        layout: PromptLayout, timing: inout TimingRecord
    ) throws -> WrittenAnswer {
        let scoring = LabelScoring(
            labels: tokens, endOfSequence: model.configuration.tokens.endOfSequence,
            position: layout.positions.next)
        let start = ContinuousClock.now
        let probabilities = LabelScoring.normalized(
            try computing { try scoring.scores(&session, logits: logits) })
        timing.generate += (ContinuousClock.now - start).seconds
        var best = 0
        for (index, probability) in probabilities.enumerated()
        where probability > probabilities[best] {
            best = index
        }
        return WrittenAnswer(
            value: .string(labels[best]),
            outcome: ChoiceOutcome(
                choice: labels[best],
                choices: zip(labels, probabilities).map {
                    ChoiceRecord(label: $0, probability: $1)
                }), confidence: probabilities[best], finish: .stop,
            tokens: tokens[best].count + 1)
    }
}

extension SampledInstants {
    /// The times of frames as documents write them, each once: a frame may have been taken for
    /// several instants.
    init(_ moments: [SampledMoment]) {
        var instants: [Instant] = []
        for moment in moments {
            let seconds = JSON.decimal(moment.time).compact
            guard instants.last?.seconds != seconds else { continue }
            instants.append(
                Instant(seconds: seconds, timecode: Timecode.text(of: moment.time)))
        }
        self.init(instants)
    }
}

import Constraint
import Foundation
import Qwen2VL
import Text

/// Scores every one of a few labels as the model's whole answer.
///
/// What labels begin with in common is read once, behind the prompt that the session holds already;
/// the session is taken back to where labels part instead of read again.
package struct LabelScoring {
    /// The labels' tokens, without an end.
    let labels: [[TokenID]]
    let endOfSequence: [TokenID]
    let position: Int

    /// - Parameter position: M-RoPE position of the first token of an answer.
    package init(labels: [[TokenID]], endOfSequence: [TokenID], position: Int) {
        self.labels = labels
        self.endOfSequence = endOfSequence
        self.position = position
    }

    /// The logarithm of the probability of each label with the end of the turn behind it.
    ///
    /// - Parameter logits: of the last token of the prompt. The session ends where it began.
    package func scores(_ session: inout Session, logits: [Float]) throws -> [Double] {
        var scores = [Double](repeating: 0, count: labels.count)
        try score(Array(labels.indices), depth: 0, logits, &session, &scores)
        return scores
    }

    /// - Parameter members: labels that are equal in their first `depth` tokens, which the session
    ///   has read.
    private func score(
        _ members: [Int], depth: Int, _ logits: [Float], _ session: inout Session,
        _ scores: inout [Double]
    ) throws {
        try Task.checkCancellation()
        let distribution = try LogProbabilities(logits)
        var groups: [(token: TokenID, members: [Int])] = []
        for member in members {
            guard labels[member].count > depth else {
                scores[member] += distribution.sum(of: endOfSequence)
                continue
            }
            let token = labels[member][depth]
            if let group = groups.firstIndex(where: { $0.token == token }) {
                groups[group].members.append(member)
            } else {
                groups.append((token, [member]))
            }
        }
        let length = session.length
        for group in groups {
            for member in group.members { scores[member] += distribution[group.token] }
            if group.members.count == 1 {
                try scoreRest(of: group.members[0], after: depth, &session, &scores)
            } else {
                let next = try session.step(group.token, position: position + depth)
                try score(group.members, depth: depth + 1, next, &session, &scores)
            }
            session.truncate(to: length)
        }
    }

    /// A label that nothing shares any more: all of its tokens in one pass.
    private func scoreRest(
        of label: Int, after depth: Int, _ session: inout Session, _ scores: inout [Double]
    ) throws {
        let rest = Array(labels[label][depth...])
        for (index, row) in try rows(rest, position: position + depth, &session).enumerated() {
            let distribution = try LogProbabilities(row)
            scores[label] +=
                index + 1 < rest.count
                ? distribution[rest[index + 1]] : distribution.sum(of: endOfSequence)
        }
    }

    /// The logits behind each of some tokens.
    private func rows(
        _ tokens: [TokenID], position: Int, _ session: inout Session
    ) throws -> [[Float]] {
        if tokens.count <= Session.draftRows {
            return try session.extend(tokens, position: position)
        }
        let rows = try session.prefill(
            ids: tokens, positions: .text(from: position, tokens: tokens.count),
            wantAllLogits: true)
        let width = rows.count / tokens.count
        return tokens.indices.map { Array(rows[$0 * width..<($0 + 1) * width]) }
    }

    /// Shares of the whole, of logarithms.
    package static func normalized(_ scores: [Double]) -> [Double] {
        guard let highest = scores.max(), highest > -.infinity else {
            return scores.map { _ in 1 / Double(max(1, scores.count)) }
        }
        let weights = scores.map { exp($0 - highest) }
        let total = weights.reduce(0, +)
        return weights.map { $0 / total }
    }
}

/// The softmax of logits, in logarithms.
private struct LogProbabilities {
    private let logits: [Float]
    private let logTotal: Double

    /// - Throws: `noFiniteLogits`.
    init(_ logits: [Float]) throws {
        let highest = logits.reduce(-Float.infinity) { $1 > $0 ? $1 : $0 }
        guard highest.isFinite else { throw GenerationError.noFiniteLogits }
        var total = 0.0
        for logit in logits where !logit.isNaN { total += Double(expf(logit - highest)) }
        self.logits = logits
        logTotal = Double(highest) + log(total)
    }

    subscript(token: TokenID) -> Double {
        logits[token].isNaN ? -.infinity : Double(logits[token]) - logTotal
    }

    func sum(of tokens: [TokenID]) -> Double {
        log(tokens.filter(logits.indices.contains).reduce(0) { $0 + exp(self[$1]) })
    }
}

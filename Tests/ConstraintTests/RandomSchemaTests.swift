import OrderedJSON
import Testing
import VideoUnderstanding

/// Whatever a model does, what it writes conforms: random schemas, random logits, our validator.
///
/// `Benchmarks/schemas.py` does the same with far more schemas and Python's validator.
@Suite struct RandomSchemaTests {
    /// SplitMix64, as the standard library promises no order of its own.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
            return bits ^ (bits >> 31)
        }
    }

    private static let keys = ["a", "ab", "name", "ключ", "q\"", "日", "x y"]

    private static func schema(_ numbers: inout Numbers, depth: Int = 0) -> JSON {
        let kind = Int.random(in: 0..<(depth < 4 ? 12 : 7), using: &numbers)
        let low = Int.random(in: -200...200, using: &numbers)
        let width = Int.random(in: 0...300, using: &numbers)
        let count = Int.random(in: 0...3, using: &numbers)
        switch kind {
        case 0: return ["type": "string", "minLength": .int(count), "maxLength": .int(count + 4)]
        case 1:
            return [
                "type": "string", "pattern": ["^[a-z]{2}[0-9]?$", "[é日]$", "^(on|off)"][count % 3],
            ]
        case 2: return ["type": "integer", "minimum": .int(low), "maximum": .int(low + width)]
        case 3:
            return [
                "type": "number", "exclusiveMinimum": .int(low), "maximum": .int(low + width + 1),
            ]
        case 4: return ["enum": ["x", 1, nil, ["a": [true]], "xy"]]
        case 5: return ["type": ["boolean", "null"]]
        case 6: return count == 0 ? true : ["type": "string", "format": "date-time"]
        case 7, 8:
            var properties: [JSONObject.Member] = []
            for key in keys.shuffled(using: &numbers).prefix(count + 1) {
                properties.append(.init(key: key, value: schema(&numbers, depth: depth + 1)))
            }
            let required = properties.filter { _ in Bool.random(using: &numbers) }
            return [
                "type": "object", "properties": .object(JSONObject(properties)),
                "required": .array(required.map { .string($0.key) }),
                "additionalProperties": Bool.random(using: &numbers)
                    ? false : schema(&numbers, depth: depth + 1),
            ]
        case 9:
            return [
                "type": "array", "items": schema(&numbers, depth: depth + 1),
                "minItems": .int(count), "maxItems": .int(count + 2),
            ]
        case 10:
            return [
                "anyOf": [schema(&numbers, depth: depth + 1), schema(&numbers, depth: depth + 1)]
            ]
        default:
            return [
                "type": "array", "items": ["enum": ["p", "q", "r", 4]], "uniqueItems": true,
                "minItems": .int(count),
            ]
        }
    }

    @Test func everyTextConforms() throws {
        let trial = try ConstraintTrial(tokenizer: Support.smallTokenizer)
        var numbers = Numbers(state: 2026)
        var ends = 0
        for index in 0..<300 {
            let schema = Self.schema(&numbers)
            let outcome = try trial.run(
                schema: schema, instants: [], maxTokens: [1, 2, 5, 60, 150][index % 5],
                seed: UInt64(index), eagerness: Float(index % 3) * 4)
            let value = try JSON.parse(outcome.text)
            let faults = try JSONSchema(schema).faults(in: value)
            #expect(faults.isEmpty, "\(schema.compact) gave \(outcome.text): \(faults)")
            if outcome.finish == .stop { ends += 1 }
        }
        // Both ways to end must have been tried.
        #expect(ends > 50 && ends < 250)
    }

    @Test func equalSeedsGiveEqualTexts() throws {
        let trial = try ConstraintTrial(tokenizer: Support.smallTokenizer)
        func text(_ seed: UInt64) throws -> String {
            try trial.run(schema: true, instants: [], maxTokens: 40, seed: seed, eagerness: 2).text
        }
        #expect(try text(1) == text(1))
        #expect(try text(1) != text(2))
    }

    // The vocabulary of the published models, a thousand times as large as the other one's.
    @Test(
        .enabled(
            if: Support.hasPublishedTokenizer,
            "the published tokenizer is not there; set REELSCRIBE_SHARED to its folder"))
    func thePublishedVocabularyConforms() throws {
        let trial = try ConstraintTrial(tokenizer: Support.publishedTokenizer)
        var numbers = Numbers(state: 7)
        for index in 0..<12 {
            let schema = Self.schema(&numbers)
            let outcome = try trial.run(
                schema: schema, instants: [], maxTokens: 20, seed: UInt64(index), eagerness: 4)
            #expect(try JSONSchema(schema).accepts(JSON.parse(outcome.text)), "\(outcome.text)")
        }
    }
}

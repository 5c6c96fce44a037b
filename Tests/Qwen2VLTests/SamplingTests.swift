import Foundation
import OrderedJSON
import Qwen2VL
import Testing

/// What the reference's processors made of one set of logits.
struct CutCase: Sendable, CustomTestStringConvertible {
    let number: Int
    let logits: [Float]
    let prompt: [Int]
    let settings: SamplingSettings
    let greedy: Int
    let kept: [Int]
    let probabilities: [Double]

    var testDescription: String { "case \(number)" }

    static let all: [CutCase] = {
        let url = SharedFiles.root.appendingPathComponent("Tests/Fixtures/Sampling/cuts.json")
        guard let data = try? Data(contentsOf: url), let cases = try? JSON.parse(data).array else {
            return []
        }
        return cases.enumerated().map { number, value in
            func float(_ key: String) -> Float { Float(value[key]?.double ?? .nan) }
            func ints(_ key: String) -> [Int] { value[key]?.array?.compactMap(\.int) ?? [] }
            return CutCase(
                number: number,
                logits: ints("logit_bits").map { Float(bitPattern: UInt32($0)) },
                prompt: ints("prompt"),
                settings: SamplingSettings(
                    sample: true, repetitionPenalty: float("repetition_penalty"),
                    temperature: float("temperature"), topK: value["top_k"]?.int ?? -1,
                    topP: float("top_p")),
                greedy: value["greedy"]?.int ?? -1, kept: ints("kept"),
                probabilities: value["probabilities"]?.array?.compactMap(\.double) ?? [])
        }
    }()
}

@Suite struct SamplingTests {
    @Test func fixtureIsThere() { #expect(CutCase.all.count == 120) }

    /// Penalty once per distinct id, ties at both cuts, the order of the steps.
    @Test(arguments: CutCase.all)
    func keepsWhatTheReferenceKeeps(_ golden: CutCase) throws {
        let sampler = TokenSampler(golden.settings, prompt: golden.prompt)
        let found = try #require(sampler.distribution(golden.logits))
        // Which of equals at the boundary stays is open in the reference; that as many stay is not.
        let tied = Set(golden.logits).count < golden.logits.count
        #expect(tied || found.map(\.id) == golden.kept)
        try #require(found.count == golden.kept.count)
        for (ours, theirs) in zip(
            found.map(\.probability).sorted(), golden.probabilities.sorted())
        {
            #expect(abs(ours - theirs) < 2e-6)
        }
    }

    @Test(arguments: CutCase.all)
    func greedyIsTheReferences(_ golden: CutCase) throws {
        var sampler = TokenSampler(
            .greedy(repetitionPenalty: golden.settings.repetitionPenalty), prompt: golden.prompt)
        #expect(sampler.next(golden.logits)?.id == golden.greedy)
    }

    /// A vocabulary of the published size, against a plain sort.
    @Test func largeVocabulary() throws {
        var random = RandomSource(seed: 5)
        let logits = (0..<152_064).map { _ in Float(random.unit() * 20 - 10) }
        let sorted = logits.sorted(by: >)
        let byCount = CandidateCut.candidates(logits, topK: 300, topP: 1)
        #expect(byCount.map(\.score).min() == sorted[299])
        let byMass = CandidateCut.candidates(logits, topK: 0, topP: 0.9)
        let lowest = try #require(byMass.map(\.score).min())
        #expect(byMass.map(\.id) == logits.indices.filter { logits[$0] >= lowest })
        let total = logits.reduce(0.0) { $0 + exp(Double($1)) }
        let mass = byMass.reduce(0.0) { $0 + exp(Double($1.score)) } / total
        #expect(abs(mass - 0.9) < 1e-3)
    }

    @Test func probabilityIsThatOfTheModel() throws {
        let logits: [Float] = [1, 3, 2]
        // The penalty makes 0 the choice; its probability stays what the model gave it.
        var sampler = TokenSampler(.greedy(repetitionPenalty: 10), prompt: [1, 2])
        let next = sampler.next(logits)
        let token = try #require(next)
        #expect(token.id == 0)
        let expected = exp(1.0) / (exp(1.0) + exp(2.0) + exp(3.0))
        #expect(abs(Double(token.probability) - expected) < 1e-6)
    }

    /// The first of equals, as the reference's argmax.
    @Test func greedyTakesTheFirstOfEquals() {
        var sampler = TokenSampler(.greedy())
        #expect(sampler.next([0, 5, 1, 5])?.id == 1)
    }

    /// With a nucleus of next to nothing, drawing is greedy, among equals too.
    @Test func smallestNucleusIsGreedy() {
        var sampler = TokenSampler(SamplingSettings(sample: true, topP: 0.001))
        #expect(sampler.next([0, 5, 1, 5])?.id == 1)
    }

    @Test func chosenTokensArePenalisedToo() {
        var sampler = TokenSampler(.greedy(repetitionPenalty: 2))
        #expect(sampler.next([4, 3, 0])?.id == 0)
        #expect(sampler.next([4, 3, 0])?.id == 1)
        // 2, 1.5, 0: counted once, however often.
        #expect(sampler.next([4, 3, 0])?.id == 0)
        sampler.observe(2)
        #expect(sampler.next([-4, -4, -3])?.id == 2)
    }

    /// Ids of a prompt can lie outside a cut vocabulary.
    @Test func idsBeyondTheLogitsAreLeftAlone() {
        var sampler = TokenSampler(.greedy(repetitionPenalty: 2), prompt: [-1, 99])
        #expect(sampler.next([1, 2])?.id == 1)
    }

    @Test(arguments: [false, true]) func nothingToChoose(sample: Bool) {
        var sampler = TokenSampler(SamplingSettings(sample: sample))
        #expect(sampler.next([]) == nil)
        #expect(sampler.next([-.infinity, .nan]) == nil)
        #expect(sampler.next([1, .infinity]) == nil)
        #expect(sampler.next([1, 2], among: [0]) == nil)
        #expect(sampler.next([.nan, 1, -.infinity])?.id == 1)
    }

    @Test(arguments: [false, true]) func onlyAllowedTokens(sample: Bool) {
        var sampler = TokenSampler(SamplingSettings(sample: sample, seed: 3))
        for _ in 0..<50 {
            let id = sampler.next([9, 1, 8, 2], among: [0b1010])?.id
            #expect(id == 1 || id == 3)
        }
    }

    /// Scores beyond the range of 32 bits must not become NaN.
    @Test func temperatureNextToZero() {
        for temperature in [Float(0), .leastNonzeroMagnitude, 1e-38, 0.01] {
            var sampler = TokenSampler(
                SamplingSettings(sample: true, temperature: temperature, topP: 0.9))
            #expect(sampler.next([10, 30, 20])?.id == 1)
        }
    }

    /// Published values of SplitMix64: the same numbers everywhere, for ever.
    @Test func randomNumbersAreStable() {
        var random = RandomSource(seed: 0)
        #expect(random.next() == 0xE220_A839_7B1D_CDAF)
        #expect(random.next() == 0x6E78_9E6A_A1B9_65F4)
        #expect(random.next() == 0x06C4_5D18_8009_454F)
    }

    @Test func sameSeedSameTokens() {
        let logits = (0..<100).map { Float($0 % 7) }
        func draw(_ seed: UInt64) -> [Int?] {
            var sampler = TokenSampler(SamplingSettings(sample: true, seed: seed))
            return (0..<20).map { _ in sampler.next(logits)?.id }
        }
        #expect(draw(1) == draw(1))
        #expect(draw(1) != draw(2))
    }

    /// Frequencies follow the softmax: within five standard deviations of 40 000 draws.
    @Test func drawsFollowTheDistribution() throws {
        let logits: [Float] = [0, 1, 2, -1, 0.5]
        var sampler = TokenSampler(SamplingSettings(sample: true, temperature: 0.8, seed: 11))
        let expected = try #require(sampler.distribution(logits))
        var counts = [Int](repeating: 0, count: logits.count)
        let draws = 40_000
        for _ in 0..<draws {
            let next = sampler.next(logits)
            counts[try #require(next).id] += 1
        }
        for (id, probability) in expected {
            let deviation = (Double(draws) * probability * (1 - probability)).squareRoot()
            #expect(abs(Double(counts[id]) - Double(draws) * probability) < 5 * deviation)
        }
    }
}

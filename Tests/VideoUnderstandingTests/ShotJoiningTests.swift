import Testing
import VideoUnderstanding

@Suite struct ShotJoiningTests {
    // Guards which cuts remain where shots are short: at the beginning, in the middle, at the end.
    @Test(arguments: [
        ([4.0, 8], 12.0, 2.0, [4.0, 8]), ([1, 8], 12, 2, [8]), ([4, 5, 8], 12, 2, [4, 8]),
        ([4, 11], 12, 2, [4]), ([4, 10], 12, 2, [4, 10]),
        // Many short shots: every one that makes two seconds full.
        ([1, 2, 3, 4, 5, 6, 7], 8, 2, [2, 4, 6]),
        // As exact as decimal fractions are.
        ([1.9999999, 4], 8, 2, [1.9999999, 4]), ([0.5, 0.7], 1, 0, [0.5, 0.7]),
        ([1.0], 1.5, 2, []), ([], 9, 2, []),
    ])
    func remainingCuts(cuts: [Double], end: Double, least: Double, expected: [Double]) {
        var shots = ShotJoining(least: least)
        shots.begin(at: 0)
        #expect(cuts.filter { shots.parts(at: $0, end: end) } == expected)
    }

    // Guards videos whose end nobody knows: nothing is joined backwards then.
    @Test func unknownEnd() {
        var shots = ShotJoining(least: 2)
        shots.begin(at: 0.5)
        #expect([2.4, 3, 4.5, 9].filter { shots.parts(at: $0, end: nil) } == [3, 9])
    }

    // Guards shots that begin before the first frame that was taken.
    @Test func cutsBeforeTheBeginning() {
        var shots = ShotJoining(least: 0)
        shots.begin(at: 5)
        #expect([4.0, 5, 6].filter { shots.parts(at: $0, end: 9) } == [6])
    }
}

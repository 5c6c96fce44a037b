import Testing
import VideoUnderstanding

@Suite struct EvidenceTests {
    /// Two frames a second, the first at 0.
    private static func moments(_ count: Int) -> [SampledMoment] {
        (0..<count).map {
            SampledMoment(index: $0 * 10, time: Double($0) / 2, instant: Double($0) / 2)
        }
    }

    private func told(_ shares: [Double], frames: Int, end: Double) -> [String] {
        EvidenceFinder().evidence(
            shares: shares, moments: Self.moments(frames), end: end
        ).map {
            "\($0.range.start)-\($0.range.end) at \($0.keyframe): \(($0.score * 100).rounded() / 100)"
        }
    }

    @Test(arguments: [
        // One peak; neighbours that got enough belong to it.
        ([0.0, 0, 1, 0], 8, 4.0, ["2.0-3.0 at 2.0: 1.0"]),
        ([0.0, 3, 10, 2, 0], 10, 5.0, ["1.0-3.0 at 2.0: 0.87"]),
        // Two, the stronger first, whichever comes first.
        ([4.0, 0, 0, 8, 8], 10, 5.0, ["3.0-5.0 at 3.0: 0.8", "0.0-1.0 at 0.0: 0.2"]),
        // Equal ones in the order of time.
        ([5.0, 0, 5], 6, 3.0, ["0.0-1.0 at 0.0: 0.5", "2.0-3.0 at 2.0: 0.5"]),
        // The last pair, of one frame, ends with the video.
        ([0.0, 1], 3, 1.4, ["1.0-1.4 at 1.0: 1.0"]),
        ([2.0], 1, 0.04, ["0.0-0.04 at 0.0: 1.0"]),
    ])
    func stretches(shares: [Double], frames: Int, end: Double, expected: [String]) {
        #expect(told(shares, frames: frames, end: end) == expected)
    }

    // Broken weights, a picture, frames that do not belong to the pairs: no evidence, no crash.
    @Test(arguments: [
        ([Double](), 4), ([0, 0], 4), ([.nan, 1], 4), ([.infinity, 1], 4), ([1, 1, 1], 4),
    ])
    func nothingToTell(shares: [Double], frames: Int) {
        #expect(told(shares, frames: frames, end: 2) == [])
    }

    @Test func fewAreTold() {
        let flat = (0..<42).map { $0 % 2 == 0 ? 1.0 : 0 }
        #expect(told(flat, frames: 84, end: 42) == [], "each of twenty-one is too small a part")
        let several = (0..<16).map { $0 % 2 == 0 ? 1.0 : 0 }
        #expect(told(several, frames: 32, end: 16).count == 5)
    }
}

import Testing
import VideoUnderstanding

/// Times in the words of an answer, as times of the file.
@Suite struct SpokenTimesTests {
    // Guards what counts as a time: a length, a count or a bare number is none.
    @Test(
        arguments: [
            ("From 10 to 14 seconds.", [(10, 14)]), ("At 3 seconds.", [(3, 3)]),
            ("at 0:05 and again at 1:10", [(5, 5), (70, 70)]),
            ("At 5 s. Later, at 9 s.", [(5, 5), (9, 9)]),
            ("between 1 and 2 minutes", [(60, 120)]), ("In the 5.0 - 8.0 seconds.", [(5, 8)]),
            ("It blinks for 3 seconds.", []), ("It lasts about 4 s", []),
            ("2 seconds later it is gone", []), ("every 5 seconds", []), ("a 10 s old clip", []),
            ("the first 5 seconds", []), ("There are 3 cars.", []), ("Two.", []), ("", []),
            ("It cannot be seen.", []), ("from 9 s to 4 s", [(9, 9), (4, 4)]),
            ("from 2 to 4 seconds for 2 seconds", [(2, 4)]), ("at the end", []),
            ("99999999 s", []),
        ] as [(String, [(Double, Double)])])
    func named(text: String, times: [(Double, Double)]) {
        let read = TimeReading.named(in: text)
        #expect(read == times.map { TimeRange(start: $0.0, end: $0.1) }, "\(text)")
    }

    /// Three seconds from 100 on, a gap, and two from 200 on, of which the last is short.
    static let pairs = [(100.0, 101.0), (101, 102), (102, 103), (200, 201), (201, 201.5)]
        .map { TimeRange(start: $0.0, end: $0.1) }

    // Guards the clock: a second is a pair, whatever lies between pairs; and what lies behind the
    // last one is told, not bent.
    @Test(
        arguments: [
            ("at 0 s", [(100, 100)], 0), ("at 2.5 s", [(102.5, 102.5)], 0),
            ("from 2 to 4 seconds", [(102, 201)], 0), ("at 4.5 s", [(201.25, 201.25)], 0),
            ("from 4 to 5 s", [(201, 201.5)], 0), ("at 6 s", [(201.5, 201.5)], 0),
            ("at 7 s", [], 1), ("at 1 s, not at 0:30. Or so", [(101, 101)], 1),
            ("for 3 seconds", [], 0),
        ] as [(String, [(Double, Double)], Int)])
    func fileTimes(text: String, times: [(Double, Double)], outside: Int) {
        let read = SpokenTimes.times(in: text, pairs: Self.pairs)
        #expect(read.times == times.map { TimeRange(start: $0.0, end: $0.1) }, "\(text)")
        #expect(read.outside == outside)
        #expect(SpokenTimes.times(in: text, pairs: []).times.isEmpty)
    }
}

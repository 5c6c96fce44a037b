/// The times that the words of an answer name, as times of the file.
///
/// A model counts seconds along the time axis of its positions, on which each pair of frames is one
/// second: it was trained on two frames a second, and is told of no other rate. A second that it
/// names is therefore a place among the pairs that it saw, and the time of that place is what a
/// reader can trust.
///
/// Source: spec 5, paper section 2.1.
package enum SpokenTimes {
    /// - Parameter pairs: the time that each pair stands for, in order.
    /// - Returns: the times in the order of the text; those that lie behind the last pair are left
    ///   out and counted.
    package static func times(
        in text: String, pairs: [TimeRange]
    ) -> (times: [TimeRange], outside: Int) {
        guard let last = pairs.last else { return ([], 0) }
        /// A second as the model counts it → seconds of the file; nil behind the end.
        func fileTime(_ second: Double) -> Double? {
            // Models round: the second after the last one is its end.
            guard second >= 0, second <= Double(pairs.count + 1) else { return nil }
            let place = Int(second)
            guard place < pairs.count else { return last.end }
            let pair = pairs[place]
            return pair.start + (second - Double(place)) * (pair.end - pair.start)
        }
        var times: [TimeRange] = []
        var outside = 0
        for said in TimeReading.named(in: text) {
            guard let start = fileTime(said.start), let end = fileTime(said.end), start <= end
            else {
                outside += 1
                continue
            }
            times.append(TimeRange(start: start, end: end))
        }
        return (times, outside)
    }
}

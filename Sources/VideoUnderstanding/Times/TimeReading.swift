/// The time, and the stretch of time, that a free answer speaks of.
///
/// Understood are `12 s`, `12.5s`, `12 seconds`, `1 min 5 s`, `1m30s`, `0:12`, `00:00:12.000`,
/// numbers in words, "the start" and "the end" of the video, and, where nothing else is there,
/// numbers alone. A stretch is two times with `to`, `-`, `until`, `and` or a comma between them, of
/// which the first may lack its unit.
package struct TimeReading: Equatable {
    /// Seconds.
    package let moment: Double?
    package let interval: TimeRange?

    /// - Parameter duration: of the video, in seconds; what "the end" means.
    package init(_ text: String, duration: Double) {
        let tokens = TimeToken.tokens(of: text)
        var mentions = Self.mentions(in: tokens, duration: duration)
        var pair: (TimeMention, TimeMention)?
        for index in mentions.indices.dropLast() {
            let (first, second) = (mentions[index], mentions[index + 1])
            guard Self.connects(tokens[first.range.upperBound..<second.range.lowerBound]) else {
                continue
            }
            // 3 to 7 seconds, 1 to 2 minutes
            if first.certainty == .number, second.certainty == .unit {
                mentions[index].seconds *= second.unit
                mentions[index].certainty = .unit
            }
            let candidate = (mentions[index], mentions[index + 1])
            // A pair with units or time codes is surer than one of numbers.
            if pair.map({ $0.0.certainty < candidate.0.certainty }) ?? true { pair = candidate }
        }
        let usable = mentions.filter { $0.seconds.isFinite && $0.seconds <= 1e7 }
        let surest = usable.map(\.certainty).max()
        moment = usable.first { $0.certainty == surest }?.seconds
        if pair == nil, usable.count > 1 {
            let sure = usable.filter { $0.certainty == surest }
            if sure.count > 1 { pair = (sure[0], sure[1]) }
        }
        if let (first, second) = pair, second.seconds > first.seconds, second.seconds <= 1e7 {
            interval = TimeRange(start: first.seconds, end: second.seconds)
        } else {
            interval = nil
        }
    }

    /// The times that a text names for sure, with a unit or as time codes, in the order of the text:
    /// a stretch as a range, an instant as a range without length. Lengths (`for 3 seconds`) and
    /// places counted from others (`2 s later`) are no times.
    package static func named(in text: String) -> [TimeRange] {
        let tokens = TimeToken.tokens(of: text)
        let mentions = mentions(in: tokens, duration: .infinity)
        var times: [TimeRange] = []
        var next = 0
        while next < mentions.count {
            var (first, following) = (mentions[next], mentions.dropFirst(next + 1).first)
            next += 1
            if let second = following {
                if Self.connects(tokens[first.range.upperBound..<second.range.lowerBound]),
                    second.certainty == .unit, !isLength(second, in: tokens)
                {
                    if first.certainty == .number {
                        first.seconds *= second.unit
                        first.certainty = .unit
                    }
                } else {
                    following = nil
                }
            }
            guard first.certainty == .unit, !isLength(first, in: tokens) else { continue }
            if let second = following, second.seconds > first.seconds, second.seconds <= 1e7 {
                times.append(TimeRange(start: first.seconds, end: second.seconds))
                next += 1
            } else if first.seconds <= 1e7 {
                times.append(TimeRange(start: first.seconds, end: first.seconds))
            }
        }
        return times
    }

    private static func isLength(_ mention: TimeMention, in tokens: [TimeToken]) -> Bool {
        var before = mention.range.lowerBound - 1
        while before >= 0, case .word(let word) = tokens[before],
            ["about", "around", "approximately", "another", "just", "only", "the", "some"]
                .contains(word)
        {
            before -= 1
        }
        if before >= 0, case .word(let word) = tokens[before],
            [
                "for", "lasts", "lasted", "lasting", "last", "first", "takes", "took", "taking",
                "every", "within", "of",
            ].contains(word)
        {
            return true
        }
        guard mention.range.upperBound < tokens.count,
            case .word(let word) = tokens[mention.range.upperBound]
        else { return false }
        return [
            "long", "later", "earlier", "ago", "apart", "before", "after", "each", "of", "old",
        ].contains(word)
    }

    // MARK: - Mentions

    private static func mentions(in tokens: [TimeToken], duration: Double) -> [TimeMention] {
        var mentions: [TimeMention] = []
        var position = 0
        while position < tokens.count {
            if let mention = mention(in: tokens, at: position, duration: duration) {
                mentions.append(mention)
                position = mention.range.upperBound
            } else {
                position += 1
            }
        }
        return mentions
    }

    private static func mention(
        in tokens: [TimeToken], at start: Int, duration: Double
    ) -> TimeMention? {
        func token(_ index: Int) -> TimeToken? {
            tokens.indices.contains(index) ? tokens[index] : nil
        }
        switch tokens[start] {
        case .timecode(let seconds):
            return TimeMention(range: start..<start + 1, seconds: seconds, certainty: .unit)
        case .word("the"):
            let next = token(start + 1) == .word("very") ? start + 2 : start + 1
            switch token(next) {
            case .word("start"), .word("beginning"):
                return TimeMention(range: start..<next + 1, seconds: 0, certainty: .edge)
            case .word("end"):
                return TimeMention(range: start..<next + 1, seconds: duration, certainty: .edge)
            default: return nil
            }
        case .number(let value):
            var next = start + 1
            if case .word(let word)? = token(next), ["st", "nd", "rd", "th"].contains(word) {
                next += 1
            }
            guard case .word(let name)? = token(next), let unit = unit(name) else {
                // The 2nd car is no time.
                return next > start + 1
                    ? nil : TimeMention(range: start..<next, seconds: value, certainty: .number)
            }
            var mention = TimeMention(
                range: start..<next + 1, seconds: value * unit, certainty: .unit, unit: unit)
            // 1 h 2 min 3 s; "1 minute and 5 seconds".
            var smallest = unit
            while true {
                var place = mention.range.upperBound
                if token(place) == .word("and") || token(place) == .mark(",") { place += 1 }
                guard case .number(let more)? = token(place),
                    case .word(let name)? = token(place + 1), let unit = self.unit(name),
                    unit < smallest
                else { break }
                smallest = unit
                mention.seconds += more * unit
                mention.range = start..<place + 2
            }
            return mention
        default: return nil
        }
    }

    private static func unit(_ word: String) -> Double? {
        switch word {
        case "ms", "msec", "millisecond", "milliseconds": 0.001
        case "s", "sec", "secs", "second", "seconds": 1
        case "m", "min", "mins", "minute", "minutes": 60
        case "h", "hr", "hrs", "hour", "hours": 3600
        default: nil
        }
    }

    /// Whether what stands between two times makes a stretch of them.
    private static func connects(_ tokens: ArraySlice<TimeToken>) -> Bool {
        var isConnected = false
        for token in tokens {
            switch token {
            case .word("to"), .word("until"), .word("till"), .word("through"), .word("and"),
                .mark("-"), .mark("\u{2010}"), .mark("\u{2012}"), .mark("\u{2013}"),
                .mark("\u{2014}"), .mark("~"), .mark(","):
                isConnected = true
            case .word("at"), .word("about"), .word("around"), .word("approximately"),
                .word("the"), .word("mark"), .mark("["), .mark("]"), .mark("("), .mark(")"):
                break
            case .word("ends"), .word("ending"), .word("end"), .word("stops"), .word("lasts"):
                break
            default: return false
            }
        }
        return isConnected
    }
}

/// A place in a text that names a time.
private struct TimeMention {
    enum Certainty: Comparable {
        /// A number that may count anything.
        case number
        /// The start or the end of the video.
        case edge
        /// With a unit, or a time code.
        case unit
    }

    var range: Range<Int>
    var seconds: Double
    var certainty: Certainty
    /// Seconds of the unit that was named first.
    var unit = 1.0
}

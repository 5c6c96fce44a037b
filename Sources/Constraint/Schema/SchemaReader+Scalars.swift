import OrderedJSON

/// Numbers and strings.
extension SchemaReader {
    /// Characters that a string may have to have.
    private static let longestLeast = 100_000

    // MARK: - Numbers

    mutating func number(
        _ schema: JSONObject, _ path: String, isWhole: Bool
    ) throws(ConstraintError) -> NodeID {
        if schema["format"]?.string == Self.timeFormat, !isWhole {
            try requireAlone(schema, "number", path)
            return builder.add(.time(.number))
        }
        var isWhole = isWhole
        var multiple = 1
        if let value = schema["multipleOf"] {
            let path = JSONPointer.appending("multipleOf", to: path)
            guard let divisor = value.double, divisor > 0 else {
                throw .invalid(at: path, expected: "a number above 0")
            }
            if let whole = value.int, whole <= 1_000_000_000 {
                (isWhole, multiple) = (true, whole)
            } else if [0.5, 0.25, 0.125].contains(divisor) {
                multiple = isWhole ? 1 : Int(divisor * 1e6)
            } else {
                throw .unsupported(
                    at: path,
                    what: "multiples are supported of whole numbers up to 1000000000 and of 0.5, "
                        + "0.25 and 0.125: computers do not agree about others")
            }
        }
        let rule = try rule(schema, path, isWhole: isWhole, multiple: multiple)
        guard rule.isSatisfiable else {
            throw .unsatisfiable(
                at: path,
                why: isWhole
                    ? "no whole number lies within its bounds"
                    : "no number of 9 digits before the point and 6 behind it lies within its bounds"
            )
        }
        return builder.add(.number(rule))
    }

    private func rule(
        _ schema: JSONObject, _ path: String, isWhole: Bool, multiple: Int
    ) throws(ConstraintError) -> NumberRule {
        var bounds: [(number: JSONNumber, isLower: Bool, isExclusive: Bool)] = []
        for keyword in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
            guard let value = schema[keyword] else { continue }
            guard case .number(let number) = value, number.double.isFinite else {
                throw .invalid(
                    at: JSONPointer.appending(keyword, to: path), expected: "a number")
            }
            bounds.append(
                (number, keyword.lowercased().hasSuffix("minimum"), keyword.hasPrefix("exclusive")))
        }
        // Beyond what a decimal with a fraction holds, only whole numbers are written.
        let lowest = bounds.filter(\.isLower).map(\.number.double).max() ?? -.infinity
        let highest = bounds.filter { !$0.isLower }.map(\.number.double).min() ?? .infinity
        let standard = NumberRule.standard
        let isFar = lowest > 999_999_999 || highest < -999_999_999
        let decimals = isWhole || isFar ? 0 : standard.decimals
        // Whole numbers are multiples of the fractions that are supported.
        let multiple = isFar && !isWhole ? 1 : multiple
        // Digits that every reader of JSON keeps; more only where the bounds ask for them.
        let usual = decimals == 0 ? 999_999_999_999_999 : standard.high
        var (low, high) = (-usual, usual)
        if lowest > Double(usual) { high = NumberRule.largest }
        if highest < -Double(usual) { low = -NumberRule.largest }
        for bound in bounds {
            let nearest = Self.nearest(
                to: bound.number, decimals: decimals, isLower: bound.isLower,
                isExclusive: bound.isExclusive)
            if bound.isLower { low = max(low, nearest) } else { high = min(high, nearest) }
        }
        return NumberRule(low: low, high: high, decimals: decimals, multiple: multiple)
    }

    /// The last value on the allowed side of a bound, in units of 10^-decimals.
    ///
    /// Validators compare doubles, so a decimal must keep to the bound as a double does.
    private static func nearest(
        to bound: JSONNumber, decimals: Int, isLower: Bool, isExclusive: Bool
    ) -> Int {
        let inward = isLower ? 1 : -1
        if decimals == 0, let whole = Int(bound.literal) {
            let clamped = min(max(whole, -NumberRule.largest - 1), NumberRule.largest + 1)
            return isExclusive ? clamped + inward : clamped
        }
        let scale = Double(NumberRule.power(decimals))
        guard abs(bound.double * scale) < 1e18 else {
            return bound.double < 0 ? -NumberRule.largest - 1 : NumberRule.largest + 1
        }
        guard decimals > 0 else {
            // A double without a fraction is a whole number exactly, so this compares exactly.
            let whole = Int(bound.double.rounded(isLower ? .up : .down))
            return isExclusive && Double(whole) == bound.double ? whole + inward : whole
        }
        func isAllowed(_ value: Int) -> Bool {
            let number = Double(value) / scale
            if isExclusive { return isLower ? number > bound.double : number < bound.double }
            return isLower ? number >= bound.double : number <= bound.double
        }
        // Rounding is off by a few units at the most where doubles are farther apart than units.
        var value = Int((bound.double * scale).rounded()) - 4 * inward
        for _ in 0..<4096 where !isAllowed(value) { value += inward }
        return value
    }

    // MARK: - Strings

    mutating func string(_ schema: JSONObject, _ path: String) throws(ConstraintError) -> NodeID {
        var lengths = PatternGrammar.Lengths(least: 0, most: nil)
        if let value = schema["minLength"] {
            lengths.least = try count(
                value, JSONPointer.appending("minLength", to: path), limit: Self.longestLeast)
        }
        if let value = schema["maxLength"] {
            lengths.most = try count(
                value, JSONPointer.appending("maxLength", to: path), limit: 1 << 40)
        }
        guard lengths.most ?? .max >= lengths.least else {
            throw .unsatisfiable(at: path, why: "\"minLength\" is above \"maxLength\"")
        }
        let inside: NodeID
        if let format = schema["format"] {
            let path = JSONPointer.appending("format", to: path)
            if format.string == Self.timeFormat {
                try requireAlone(schema, "string", path)
                return builder.add(.time(.string))
            }
            guard let pattern = Self.formats[format.string ?? ""] else {
                let known = (Array(Self.formats.keys) + [Self.timeFormat]).sorted()
                throw .unsupported(
                    at: path,
                    what: "the format \(format.compact) cannot be guaranteed; known are "
                        + known.joined(separator: ", "))
            }
            guard schema["pattern"] == nil else {
                throw .unsupported(at: path, what: "\"format\" beside \"pattern\"")
            }
            inside = try self.pattern(pattern, lengths, path)
        } else if let pattern = schema["pattern"] {
            let path = JSONPointer.appending("pattern", to: path)
            guard let text = pattern.string else { throw .invalid(at: path, expected: "text") }
            inside = try self.pattern(text, lengths, path)
        } else {
            inside = builder.add(
                .repetition(builder.anyCharacter(), least: lengths.least, most: lengths.most))
        }
        let quote = builder.literal("\"")
        return builder.sequence([quote, inside, quote])
    }

    private mutating func pattern(
        _ text: String, _ lengths: PatternGrammar.Lengths, _ path: String
    ) throws(ConstraintError) -> NodeID {
        let pattern: PatternGrammar
        do {
            pattern = try PatternGrammar(text)
        } catch {
            throw .unsupported(at: path, what: error.description)
        }
        guard let rule = pattern.rule(lengths, in: &builder) else {
            throw .unsupported(
                at: path,
                what: "\"minLength\" and \"maxLength\" cannot be kept by this pattern; "
                    + "put the bounds into it, as in {2,10}")
        }
        return rule
    }

    /// Formats as patterns: what they describe is valid whatever the year.
    private static let formats: [String: String] = [
        "date": "^\(date)$", "time": "^\(time)$", "date-time": "^\(date)T\(time)$",
        "uuid": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        "ipv4": "^(?:\(octet)\\.){3}\(octet)$",
    ]
    private static let date =
        "[12][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
        + "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    private static let time =
        "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?"
        + "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
    private static let octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

    // MARK: - Arguments

    /// A count from 0.
    func count(_ value: JSON, _ path: String, limit: Int) throws(ConstraintError) -> Int {
        guard let count = value.int, count >= 0 else {
            throw .invalid(at: path, expected: "a whole number from 0")
        }
        guard count <= limit else { throw .tooLarge(at: path, what: "more than \(limit)") }
        return count
    }

    /// - Throws: where keywords about numbers or text stand beside a time, whose values are given.
    private func requireAlone(
        _ schema: JSONObject, _ type: String, _ path: String
    ) throws(ConstraintError) {
        let others = Keywords.ofTypes.first { $0.type == type }?.keywords ?? []
        if let other = schema.members.first(where: {
            $0.key != "format" && others.contains($0.key)
        }) {
            throw .unsupported(
                at: path,
                what: "\(JSON.string(other.key).compact) beside the format \(Self.timeFormat)")
        }
    }
}

extension NumberRule {
    /// What is written without any bounds: 15 digits at most, which every reader keeps.
    static let standard = NumberRule(
        low: -999_999_999_999_999, high: 999_999_999_999_999, decimals: 6, multiple: 1)
}

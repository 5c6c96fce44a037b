import OrderedJSON

/// Reads values out of one JSON file of a checkpoint and collects what is wrong with them.
///
/// A value that is missing or wrong is replaced by one that is harmless, so that reading goes on
/// and every fault is found in one pass. The result is used only where there is no fault.
struct ConfigurationReader {
    let file: String
    private(set) var faults: [Fault] = []
    /// The first setting that asks for arithmetic we do not have.
    private(set) var unsupported: ModelError.UnsupportedReason?

    init(file: String) { self.file = file }

    /// An object in the file, with the path that messages name it by.
    struct Scope {
        let path: String
        let object: JSONObject

        func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

        /// A member that says something: null means the same as absence.
        func value(_ key: String) -> JSON? {
            guard let value = object[key], !value.isNull else { return nil }
            return value
        }
    }

    /// What a missing key means.
    enum Absence<Value> {
        case fault
        case means(Value)
    }

    mutating func report(_ subject: String, _ problem: Fault.Problem) {
        faults.append(Fault(file, subject, problem))
    }

    mutating func refuse(_ reason: ModelError.UnsupportedReason) {
        unsupported = unsupported ?? reason
    }

    /// The object `key` of a scope; nil where it is absent or, with a fault, not an object.
    mutating func scope(_ key: String, in parent: Scope) -> Scope? {
        guard let value = parent.value(key) else { return nil }
        guard let object = value.object else {
            report(parent.name(key), .wrongType(expected: "an object"))
            return nil
        }
        return Scope(path: parent.name(key), object: object)
    }

    /// A whole number from the first of `scopes` that holds one of `keys`.
    mutating func integer(
        _ keys: String..., in scopes: Scope..., range: ClosedRange<Int>, absent: Absence<Int>
    ) -> Int {
        guard let (name, value) = find(keys, in: scopes) else {
            if case .means(let value) = absent { return value }
            report(scopes[0].name(keys[0]), .missing)
            return range.lowerBound
        }
        guard let number = value.int else {
            report(name, .wrongType(expected: "a whole number"))
            return range.lowerBound
        }
        guard range.contains(number) else {
            report(
                name,
                .outOfRange(
                    value: "\(number)",
                    allowed: "between \(range.lowerBound) and \(range.upperBound)"))
            return range.lowerBound
        }
        return number
    }

    /// A number from the first of `scopes` that holds `key`.
    mutating func number(
        _ key: String, in scopes: Scope..., range: ClosedRange<Double>, absent: Absence<Double>
    ) -> Double {
        guard let (name, value) = find([key], in: scopes) else {
            if case .means(let value) = absent { return value }
            report(scopes[0].name(key), .missing)
            return range.lowerBound
        }
        guard let number = value.double else {
            report(name, .wrongType(expected: "a number"))
            return range.lowerBound
        }
        guard range.contains(number) else {
            report(
                name,
                .outOfRange(
                    value: "\(number)",
                    allowed: "between \(range.lowerBound) and \(range.upperBound)"))
            return range.lowerBound
        }
        return number
    }

    mutating func bool(_ key: String, in scopes: Scope..., absent: Bool) -> Bool {
        guard let (name, value) = find([key], in: scopes) else { return absent }
        guard let bool = value.bool else {
            report(name, .wrongType(expected: "true or false"))
            return absent
        }
        return bool
    }

    /// A list of whole numbers, or nil where it is absent or wrong.
    mutating func integers(_ key: String, in scope: Scope, count: Int) -> [Int]? {
        guard let value = scope.value(key) else { return nil }
        let numbers = value.array?.compactMap(\.int)
        guard let numbers, numbers.count == count, numbers.count == value.array?.count else {
            report(scope.name(key), .wrongType(expected: "a list of \(count) whole numbers"))
            return nil
        }
        return numbers
    }

    /// A list of numbers in a range, or nil where it is absent or wrong.
    mutating func numbers(
        _ key: String, in scope: Scope, count: Int, range: ClosedRange<Double>
    ) -> [Double]? {
        guard let value = scope.value(key) else { return nil }
        let numbers = value.array?.compactMap(\.double)
        guard let numbers, numbers.count == count, numbers.count == value.array?.count else {
            report(scope.name(key), .wrongType(expected: "a list of \(count) numbers"))
            return nil
        }
        guard numbers.allSatisfy(range.contains) else {
            report(
                scope.name(key),
                .outOfRange(
                    value: "\(numbers)",
                    allowed: "between \(range.lowerBound) and \(range.upperBound)"))
            return nil
        }
        return numbers
    }

    /// A list of different places in something that has `limit` of them, ascending; nil where it is
    /// absent or, with a fault, wrong.
    mutating func indices(_ key: String, in scope: Scope, below limit: Int) -> [Int]? {
        guard let value = scope.value(key) else { return nil }
        let numbers = value.array?.compactMap(\.int)
        guard let numbers, numbers.count == value.array?.count, !numbers.isEmpty,
            numbers.allSatisfy((0..<max(1, limit)).contains), Set(numbers).count == numbers.count
        else {
            report(
                scope.name(key),
                .outOfRange(
                    value: value.compact, allowed: "different numbers from 0 to \(limit - 1)"))
            return nil
        }
        return numbers.sorted()
    }

    /// One token id, or a list of them; nil where the key is absent.
    mutating func tokens(_ key: String, in scope: Scope, vocabulary: Int) -> [Int]? {
        guard let value = scope.value(key) else { return nil }
        let listed = value.array ?? [value]
        let ids = listed.compactMap(\.int)
        guard ids.count == listed.count, ids.count <= 1024 else {
            report(scope.name(key), .wrongType(expected: "a token id or a list of token ids"))
            return []
        }
        for id in ids where !(0..<vocabulary).contains(id) {
            report(
                scope.name(key),
                .outOfRange(value: "\(id)", allowed: "an id of the \(vocabulary) tokens"))
        }
        return ids
    }

    /// Refuses a setting whose value is there and is not `only`.
    mutating func require(_ key: String, in scope: Scope, only: JSON) {
        guard let value = scope.value(key), value != only else { return }
        refuse(
            .setting(
                file: file, key: scope.name(key), value: value.compact, supported: only.compact))
    }

    private func find(_ keys: [String], in scopes: [Scope]) -> (name: String, value: JSON)? {
        for scope in scopes {
            for key in keys {
                if let value = scope.value(key) { return (scope.name(key), value) }
            }
        }
        return nil
    }
}

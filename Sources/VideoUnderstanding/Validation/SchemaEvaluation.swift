import OrderedJSON

/// One walk of a value along the rules of a schema.
struct SchemaEvaluation {
    /// A schema that refers to itself without going deeper into the value would never end.
    private static let maximumDepth = 600

    let nodes: [JSONSchema.Node]
    let limit: Int
    private(set) var faults: [SchemaFault] = []

    init(nodes: [JSONSchema.Node], limit: Int) {
        self.nodes = nodes
        self.limit = limit
    }

    mutating func check(_ value: JSON, against place: Int, path: String, depth: Int) {
        guard faults.count < limit else { return }
        guard depth < Self.maximumDepth else {
            add(path, "the schema refers to itself without end")
            return
        }
        switch nodes[place] {
        case .verdict(true): break
        case .verdict(false): add(path, "nothing is allowed here")
        case .rules(let rules):
            for rule in rules where faults.count < limit {
                check(value, rule, path: path, depth: depth + 1)
            }
        }
    }

    private mutating func add(_ path: String, _ message: String) {
        guard faults.count < limit else { return }
        faults.append(SchemaFault(path: path, message: message))
    }

    private func accepts(_ value: JSON, _ place: Int, depth: Int) -> Bool {
        var probe = SchemaEvaluation(nodes: nodes, limit: 1)
        probe.check(value, against: place, path: "", depth: depth)
        return probe.faults.isEmpty
    }

    private mutating func check(_ value: JSON, _ rule: Rule, path: String, depth: Int) {
        switch rule {
        case .type, .constant, .oneOfValues, .bound, .multiple, .length, .pattern:
            checkScalar(value, rule, path: path)
        case .count, .unique, .items, .contains:
            checkArray(value, rule, path: path, depth: depth)
        case .required, .dependent, .properties, .propertyNames, .dependentSchemas:
            guard let object = value.object else { return }
            checkObject(object, rule, path: path, depth: depth)
        case .all, .any, .one, .not, .condition, .reference:
            checkCombination(value, rule, path: path, depth: depth)
        }
    }

    private mutating func checkScalar(_ value: JSON, _ rule: Rule, path: String) {
        switch rule {
        case .type(let types):
            guard !types.contains(where: { $0.matches(value) }) else { return }
            let wanted = types.map(\.rawValue).joined(separator: " or ")
            add(path, "expected \(wanted), found \(value.kindName)")
        case .constant(let constant):
            if !value.isSame(as: constant) {
                add(path, "expected \(constant.excerpt), found \(value.excerpt)")
            }
        case .oneOfValues(let values):
            guard !values.contains(where: { $0.isSame(as: value) }) else { return }
            let list = values.prefix(12).map(\.excerpt).joined(separator: ", ")
            add(path, "expected one of \(list), found \(value.excerpt)")
        case .bound(let limit, let bound):
            guard case .number(let number) = value else { return }
            if !bound.allows(number.order(against: limit)) {
                add(path, "\(number.literal) is not \(bound.words) \(limit.literal)")
            }
        case .multiple(let divisor):
            guard case .number(let number) = value else { return }
            if !number.isMultiple(of: divisor) {
                add(path, "\(number.literal) is not a multiple of \(divisor.literal)")
            }
        case .length(let least, let most):
            guard let count = value.string?.unicodeScalars.count else { return }
            checkCount(count, least, most, of: "character", path: path)
        case .pattern(let source, let pattern):
            guard let text = value.string, !pattern.matches(in: text) else { return }
            add(path, "\(value.excerpt) does not match \(source)")
        default: break
        }
    }

    private mutating func checkCount(
        _ count: Int, _ least: Int?, _ most: Int?, of unit: String, path: String
    ) {
        let units = { (number: Int) in
            "\(number) \(number == 1 ? unit : unit == "property" ? "properties" : unit + "s")"
        }
        if let least, count < least {
            add(path, "expected at least \(units(least)), found \(count)")
        }
        if let most, count > most {
            add(path, "expected at most \(units(most)), found \(count)")
        }
    }

    private mutating func checkArray(_ value: JSON, _ rule: Rule, path: String, depth: Int) {
        if case .count(of: .object, let least, let most) = rule {
            guard let count = value.object?.members.count else { return }
            checkCount(count, least, most, of: "property", path: path)
            return
        }
        guard let elements = value.array else { return }
        switch rule {
        case .count(_, let least, let most):
            checkCount(elements.count, least, most, of: "item", path: path)
        case .unique:
            for (index, element) in elements.enumerated() {
                if let first = elements[..<index].firstIndex(where: { $0.isSame(as: element) }) {
                    add(JSONPointer.appending(index, to: path), "the same as item \(first)")
                }
            }
        case .items(let prefix, let rest):
            for (index, element) in elements.enumerated() {
                guard let place = index < prefix.count ? prefix[index] : rest else { break }
                check(
                    element, against: place, path: JSONPointer.appending(index, to: path),
                    depth: depth)
            }
        case .contains(let place, let least, let most):
            let count = elements.count { accepts($0, place, depth: depth) }
            if count < least || count > most ?? .max {
                add(path, "\(count) items are as \"contains\" asks, expected \(least) or more")
            }
        default: break
        }
    }

    private mutating func checkObject(
        _ object: JSONObject, _ rule: Rule, path: String, depth: Int
    ) {
        switch rule {
        case .required(let keys):
            for key in keys where object[key] == nil {
                add(path, "\(JSON.string(key).compact) is missing")
            }
        case .dependent(let needs):
            for (key, wanted) in needs where object[key] != nil {
                for other in wanted where object[other] == nil {
                    let (missing, beside) = (JSON.string(other), JSON.string(key))
                    add(path, "\(missing.compact) is missing beside \(beside.compact)")
                }
            }
        case .dependentSchemas(let entries):
            for (key, place) in entries where object[key] != nil {
                check(.object(object), against: place, path: path, depth: depth)
            }
        case .propertyNames(let place):
            for member in object.members where !accepts(.string(member.key), place, depth: depth) {
                add(path, "\(JSON.string(member.key).compact) is not an allowed name")
            }
        case .properties(let named, let matching, let others):
            for member in object.members {
                let path = JSONPointer.appending(member.key, to: path)
                var isKnown = false
                if let place = named[Array(member.key.utf8)] {
                    isKnown = true
                    check(member.value, against: place, path: path, depth: depth)
                }
                for (pattern, place) in matching where pattern.matches(in: member.key) {
                    isKnown = true
                    check(member.value, against: place, path: path, depth: depth)
                }
                guard !isKnown, let others else { continue }
                if case .verdict(false) = nodes[others] {
                    add(path, "a property that the schema does not know")
                } else {
                    check(member.value, against: others, path: path, depth: depth)
                }
            }
        default: break
        }
    }

    private mutating func checkCombination(
        _ value: JSON, _ rule: Rule, path: String, depth: Int
    ) {
        switch rule {
        case .reference(let place, _):
            check(value, against: place, path: path, depth: depth)
        case .all(let places):
            for place in places { check(value, against: place, path: path, depth: depth) }
        case .any(let places):
            if !places.contains(where: { accepts(value, $0, depth: depth) }) {
                add(path, "\(value.excerpt) is none of the \(places.count) allowed forms")
            }
        case .one(let places):
            let count = places.count { accepts(value, $0, depth: depth) }
            if count != 1 {
                add(
                    path,
                    "\(value.excerpt) is \(count) of the \(places.count) forms, expected exactly 1")
            }
        case .not(let place):
            if accepts(value, place, depth: depth) {
                add(path, "\(value.excerpt) is what must not stand here")
            }
        case .condition(let condition, let then, let otherwise):
            let branch = accepts(value, condition, depth: depth) ? then : otherwise
            if let branch { check(value, against: branch, path: path, depth: depth) }
        default: break
        }
    }
}

extension JSON {
    /// The name of the value's type, for messages.
    fileprivate var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .number(let number): number.isWhole ? "integer" : "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// The value, cut where it is long.
    fileprivate var excerpt: String {
        let text = compact
        return text.unicodeScalars.count <= 60
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(57))) + "…"
    }
}

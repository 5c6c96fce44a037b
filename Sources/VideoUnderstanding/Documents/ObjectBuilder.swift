import OrderedJSON

/// Puts the members of a document down in the order in which they are named.
struct ObjectBuilder {
    private(set) var object = JSONObject()

    var json: JSON { .object(object) }

    mutating func add(_ key: String, _ value: JSON) {
        object.members.append(JSONObject.Member(key: key, value: value))
    }

    mutating func add(_ key: String, _ text: String) { add(key, .string(text)) }

    mutating func add(_ key: String, _ number: Int) { add(key, .int(number)) }

    /// A member that says `null` where there is no value.
    mutating func add(_ key: String, orNull value: JSON?) { add(key, value ?? .null) }

    /// A member that is left out where there is no value.
    mutating func add(_ key: String, ifPresent value: JSON?) {
        if let value { add(key, value) }
    }
}

import OrderedJSON

/// Puts the members of a document down in the order in which they are named.
package struct ObjectBuilder {
    package private(set) var object = JSONObject()

    package init() {}

    package var json: JSON { .object(object) }

    package mutating func add(_ key: String, _ value: JSON) {
        object.members.append(JSONObject.Member(key: key, value: value))
    }

    package mutating func add(_ key: String, _ text: String) { add(key, .string(text)) }

    package mutating func add(_ key: String, _ number: Int) { add(key, .int(number)) }

    /// A member that says `null` where there is no value.
    package mutating func add(_ key: String, orNull value: JSON?) { add(key, value ?? .null) }

    /// A member that is left out where there is no value.
    package mutating func add(_ key: String, ifPresent value: JSON?) {
        if let value { add(key, value) }
    }
}

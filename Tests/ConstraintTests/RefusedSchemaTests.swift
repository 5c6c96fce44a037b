import Constraint
import OrderedJSON
import Testing

/// Schemas are hostile input, and what cannot be guaranteed must be said before a model runs.
@Suite struct RefusedSchemaTests {
    enum Kind: String { case unsupported, invalid, unsatisfiable, tooLarge }

    @Test(arguments: [
        (Kind.unsupported, "/not", #"{"not":{"type":"null"}}"#),
        (.unsupported, "/properties/a~1b/if", #"{"properties":{"a/b":{"if":true}}}"#),
        (.unsupported, "/patternProperties", #"{"type":"object","patternProperties":{"a":true}}"#),
        (.unsupported, "/oneOf", #"{"oneOf":[{"type":"number"},{"type":"integer"}]}"#),
        (
            .unsupported, "/oneOf",
            #"{"oneOf":[{"properties":{"a":true}},{"properties":{"b":true}}]}"#
        ),
        (.unsupported, "/format", #"{"type":"string","format":"email"}"#),
        (.unsupported, "/pattern", #"{"type":"string","pattern":"(?=a)"}"#),
        (.unsupported, "/pattern", #"{"type":"string","pattern":"a\\b"}"#),
        (.unsupported, "/pattern", #"{"type":"string","pattern":"(^a)+"}"#),
        (.unsupported, "/pattern", #"{"type":"string","pattern":"(a{1,900}){1,900}"}"#),
        (.unsupported, "/pattern", #"{"type":"string","pattern":"^(ab)+$","maxLength":5}"#),
        (.unsupported, "/multipleOf", #"{"type":"number","multipleOf":0.1}"#),
        (.unsupported, "/uniqueItems", #"{"type":"array","uniqueItems":true}"#),
        (.unsupported, "/$ref", ##"{"$ref":"other.json#/a"}"##),
        (.unsupported, "/minProperties", #"{"type":"object","minProperties":3}"#),
        (.unsupported, "", #"{"type":"number","format":"video-time","minimum":1}"#),
        (
            .unsupported, "",
            #"{"type":"array","items":{"type":"number","format":"video-time"},"x-ordered":true,"minItems":2}"#
        ),
        (.invalid, "", "7"),
        (.invalid, "", #"{"format":"video-time"}"#),
        (.invalid, "/type", #"{"type":"text"}"#),
        (.invalid, "/type", #"{"type":["string",1]}"#),
        (.invalid, "/minLength", #"{"type":"string","minLength":-1}"#),
        (.invalid, "/minimum", #"{"type":"number","minimum":"1"}"#),
        (.invalid, "/enum", #"{"enum":[]}"#),
        (.invalid, "/anyOf", #"{"anyOf":[]}"#),
        (.invalid, "/required", #"{"type":"object","required":"a"}"#),
        (.invalid, "/$ref", ##"{"$ref":"#/$defs/x"}"##),
        (.invalid, "", #"{"type":"null","type":"null"}"#),
        (.unsatisfiable, "", "false"),
        (.unsatisfiable, "", #"{"type":"integer","minimum":5,"maximum":4}"#),
        (.unsatisfiable, "", #"{"type":"integer","exclusiveMinimum":1,"exclusiveMaximum":2}"#),
        (.unsatisfiable, "", #"{"type":"number","minimum":0.0000001,"maximum":0.0000002}"#),
        (.unsatisfiable, "", #"{"type":"integer","multipleOf":10,"minimum":1,"maximum":9}"#),
        (.unsatisfiable, "", #"{"type":"string","minLength":2,"maxLength":1}"#),
        (.unsatisfiable, "", #"{"type":"array","minItems":2,"maxItems":1}"#),
        (.unsatisfiable, "", #"{"enum":[1,2],"type":"string"}"#),
        (.unsatisfiable, "", #"{"type":"object","required":["a"],"additionalProperties":false}"#),
        // It would have to contain itself for ever.
        (
            .unsatisfiable, "",
            ##"{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}"##
        ),
        (.unsatisfiable, "", ##"{"$ref":"#"}"##),
        (.unsatisfiable, "", ##"{"anyOf":[{"$ref":"#"}]}"##),
        (.tooLarge, "/minLength", #"{"type":"string","minLength":1000000}"#),
        (.tooLarge, "/minItems", #"{"type":"array","minItems":1000000}"#),
        // Each level is small; the shortest value would have 10^12 items.
        (
            .tooLarge, "",
            #"{"type":"array","minItems":10000,"items":{"type":"array","minItems":10000,"items":{"type":"array","minItems":10000}}}"#
        ),
    ])
    func isRefusedAtItsPlace(kind: Kind, place: String, schema: String) throws {
        let error = try #require(throws: ConstraintError.self) { try Support.grammar(schema) }
        switch error {
        case .unsupported(let at, _): #expect(kind == .unsupported && at == place, "\(error)")
        case .invalid(let at, _): #expect(kind == .invalid && at == place, "\(error)")
        case .unsatisfiable(let at, _): #expect(kind == .unsatisfiable && at == place, "\(error)")
        case .tooLarge(let at, _): #expect(kind == .tooLarge && at == place, "\(error)")
        }
    }

    // Guards the stack and the clock of whoever reads a schema of a stranger.
    @Test func nestingIsBounded() throws {
        let deep =
            String(repeating: #"{"type":"array","minItems":1,"items":"#, count: 90) + "true"
            + String(repeating: "}", count: 90)
        #expect(throws: ConstraintError.self) { try Support.grammar(deep) }
        let loop =
            ##"{"$defs":{"a":{"$ref":"#/$defs/b","type":"object"},"b":{"$ref":"#/$defs/a","minProperties":1}},"$ref":"#/$defs/a"}"##
        #expect(throws: ConstraintError.self) { try Support.grammar(loop) }
        let growing = ##"{"type":"object","properties":{"a":{"$ref":"#","required":["a"]}}}"##
        #expect(throws: ConstraintError.self) { try Support.grammar(growing) }
    }

    // Objects that begin alike double the readings at each level; they must not multiply for ever.
    @Test func ambiguousRecursionStaysBounded() throws {
        let schema =
            ##"{"anyOf":[{"type":"object","properties":{"a":{"$ref":"#"},"b":{"type":"null"}}},{"type":"object","properties":{"a":{"$ref":"#"},"c":{"type":"null"}}}]}"##
        let grammar = try Support.grammar(schema)
        let beginning = String(repeating: #"{"a": "#, count: 60)
        let whole = try #require(grammar.completing(beginning))
        #expect(grammar.accepts(whole))
    }

    // Deeper than readers of JSON follow is refused where it would begin, and closed validly there.
    @Test func textsNestNoDeeperThanTheLimit() throws {
        let grammar = try Support.grammar("true")
        let open = String(repeating: "[", count: 64)
        #expect(grammar.completing(open) == open + String(repeating: "]", count: 64))
        #expect(grammar.completing(open + "[") == nil)
        #expect(grammar.completing(open + "{") == nil)
        #expect(try JSON.parse(open + String(repeating: "]", count: 64)).array != nil)
        // What follows must still fit: a node whose shortest text has three levels.
        let tall = try Support.grammar(
            ##"{"$defs":{"n":{"type":"object","properties":{"n":{"anyOf":[{"$ref":"#/$defs/n"},{"type":"array","minItems":1,"items":{"type":"array"}}]}},"required":["n"]}},"$ref":"#/$defs/n"}"##
        )
        let nodes = String(repeating: #"{"n": "#, count: 62)
        let whole = try #require(tall.completing(nodes))
        #expect(whole.hasPrefix(nodes + "[["))
        #expect(tall.completing(nodes + #"{"n": "#) == nil)
    }
}

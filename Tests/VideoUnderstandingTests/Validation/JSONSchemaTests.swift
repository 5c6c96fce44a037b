import OrderedJSON
import Testing
import VideoUnderstanding

@Suite struct JSONSchemaTests {
    /// Schema, values it accepts, values it does not.
    static let table: [(String, [String], [String])] = [
        (#"true"#, ["1", "{}"], []),
        (#"false"#, [], ["1", "null"]),
        (#"{"type":"integer"}"#, ["1", "1.0", "-3e2", "1e30"], ["1.5", "\"1\"", "true"]),
        (#"{"type":["string","null"]}"#, ["\"\"", "null"], ["0", "[]"]),
        (#"{"const":{"a":1,"b":[2]}}"#, [#"{"b":[2.0],"a":1}"#], [#"{"a":1}"#, "1"]),
        (#"{"enum":[1,"a",null]}"#, ["1.0", "\"a\"", "null"], ["2", "\"A\""]),
        // Canonically equivalent texts are different texts.
        ("{\"const\":\"\u{e9}\"}", ["\"\u{e9}\""], ["\"e\u{301}\""]),
        (#"{"minimum":1,"maximum":3}"#, ["1", "3", "2.5", "\"x\""], ["0.999", "3.0001"]),
        (#"{"exclusiveMinimum":0,"exclusiveMaximum":1}"#, ["0.5"], ["0", "1", "-0"]),
        // Beyond 2^53 doubles cannot tell the two apart.
        (#"{"maximum":9007199254740992}"#, ["9007199254740992"], ["9007199254740993"]),
        (#"{"multipleOf":0.01}"#, ["0.07", "19.99", "4", "-1.1"], ["0.075", "1.001"]),
        (#"{"multipleOf":7}"#, ["21", "0", "-7", "7e1"], ["20"]),
        // Length counts scalars, not bytes and not visible characters.
        (
            #"{"minLength":2,"maxLength":2}"#, ["\"éé\"", "\"e\u{301}\"", "3"],
            ["\"é\"", "\"abc\""]
        ),
        (#"{"pattern":"^[a-z]+$"}"#, ["\"abc\"", "1"], ["\"aB\"", "\"\""]),
        (
            #"{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":2}"#,
            ["[1]", "[1,2]"], ["[]", "[1,2,3]", "[\"a\"]", "{}"]
        ),
        (
            #"{"prefixItems":[{"type":"string"}],"items":false}"#,
            ["[]", "[\"a\"]"], ["[1]", "[\"a\",1]"]
        ),
        (#"{"uniqueItems":true}"#, ["[1,\"1\",[1]]"], ["[1,1.0]", "[{\"a\":1},{\"a\":1}]"]),
        (#"{"contains":{"const":1},"maxContains":2}"#, ["[1]", "[0,1,1]"], ["[]", "[1,1,1]"]),
        (#"{"required":["a"]}"#, [#"{"a":null}"#, "[]"], ["{}"]),
        (
            #"{"properties":{"a":{"type":"string"}},"additionalProperties":false}"#,
            ["{}", #"{"a":""}"#], [#"{"a":1}"#, #"{"b":1}"#]
        ),
        (
            #"{"patternProperties":{"^x":{"type":"integer"}},"additionalProperties":{"type":"null"}}"#,
            [#"{"x1":1,"y":null}"#], [#"{"x1":"a"}"#, #"{"y":1}"#]
        ),
        (#"{"propertyNames":{"maxLength":1}}"#, [#"{"a":1}"#], [#"{"ab":1}"#]),
        (#"{"minProperties":1,"maxProperties":1}"#, [#"{"a":1}"#], ["{}", #"{"a":1,"b":2}"#]),
        (#"{"dependentRequired":{"a":["b"]}}"#, ["{}", #"{"b":1}"#], [#"{"a":1}"#]),
        (#"{"anyOf":[{"type":"null"},{"minimum":5}]}"#, ["null", "5", "\"x\""], ["4"]),
        (#"{"oneOf":[{"minimum":1},{"minimum":5}]}"#, ["2"], ["6", "0"]),
        (#"{"allOf":[{"minimum":1},{"maximum":2}]}"#, ["1"], ["3"]),
        (#"{"not":{"type":"string"}}"#, ["1"], ["\"a\""]),
        (
            #"{"if":{"type":"integer"},"then":{"minimum":1},"else":{"type":"string"}}"#,
            ["1", "\"a\""], ["0", "null"]
        ),
        (
            ##"{"$defs":{"n":{"type":"object","properties":{"next":{"$ref":"#/$defs/n"}},"required":["v"]}},"$ref":"#/$defs/n"}"##,
            [#"{"v":1,"next":{"v":2}}"#], [#"{"v":1,"next":{}}"#]
        ),
        (##"{"$defs":{"a/b":{"type":"null"}},"$ref":"#/$defs/a~1b"}"##, ["null"], ["1"]),
        (#"{"format":"date","description":"x","x-note":1}"#, ["\"never a date\""], []),
    ]

    @Test(arguments: table)
    func verdicts(schema: String, accepted: [String], refused: [String]) throws {
        let schema = try JSONSchema(try JSON.parse(schema))
        for text in accepted { #expect(schema.faults(in: try JSON.parse(text)) == [], "\(text)") }
        for text in refused { #expect(!schema.accepts(try JSON.parse(text)), "\(text)") }
    }

    // A keyword that is passed over in silence would accept what it should refuse.
    @Test(arguments: [
        (#"{"unevaluatedProperties":false}"#, "/unevaluatedProperties"),
        (#"{"properties":{"a":{"nullable":true}}}"#, "/properties/a/nullable"),
        (#"{"type":"int"}"#, "/type"), (#"{"type":[]}"#, "/type"),
        (#"{"$ref":"other.json"}"#, "/$ref"), (##"{"$ref":"#/$defs/x"}"##, "/$ref"),
        (#"{"minLength":-1}"#, "/minLength"), (#"{"multipleOf":0}"#, "/multipleOf"),
        (#"{"pattern":"("}"#, "/pattern"), (#"{"pattern":"(?=a)"}"#, "/pattern"),
        (#"{"enum":[]}"#, "/enum"), (#"{"required":[1]}"#, "/required"),
        (#"{"items":[{}]}"#, "/items"), (#"{"anyOf":{}}"#, "/anyOf"), (#""x""#, ""),
        (#"{"minimum":1,"minimum":2}"#, ""), (#"{"minimum":1e999}"#, "/minimum"),
    ])
    func wrongSchemasSayWhere(schema: String, path: String) throws {
        let schema = try JSON.parse(schema)
        let error = #expect(throws: SchemaError.self) { try JSONSchema(schema) }
        #expect(error?.path == path)
    }

    // An endless reference must end, and be told from a fault of the value.
    @Test(arguments: [##"{"$ref":"#"}"##, ##"{"anyOf":[{"$ref":"#"}]}"##])
    func endlessReferencesEnd(schema: String) throws {
        let schema = try JSONSchema(try JSON.parse(schema))
        #expect(!schema.accepts(1))
    }

    @Test func faultsNameTheirPlace() throws {
        let schema = try JSONSchema(
            try JSON.parse(
                #"{"properties":{"a/b":{"items":{"properties":{"c":{"type":"string"}}}}}}"#))
        let faults = schema.faults(in: try JSON.parse(#"{"a/b":[{},{"c":1}]}"#))
        #expect(
            faults == [
                SchemaFault(path: "/a~1b/1/c", message: "expected string, found integer")
            ])
    }

    @Test func theNumberOfFaultsIsBounded() throws {
        let schema = try JSONSchema(try JSON.parse(#"{"items":{"type":"null"}}"#))
        let many = JSON.array(Array(repeating: 1, count: 1000))
        #expect(schema.faults(in: many, limit: 7).count == 7)
    }

    @Test(arguments: DocumentKind.allCases)
    func shippedSchemasAreSound(kind: DocumentKind) throws {
        let json = try JSON.parse(kind.schemaText)
        _ = try JSONSchema(json)
        #expect(json["properties"]?["schema"]?["const"]?.string == kind.identifier)
    }

    // The same definition stands in several files; a change in one must reach all.
    @Test func sharedDefinitionsAreEqual() throws {
        var seen: [String: JSON] = [:]
        for kind in DocumentKind.allCases {
            let schema = try JSON.parse(kind.schemaText)
            for member in schema["$defs"]?.object?.members ?? [] {
                if let other = seen[member.key] {
                    #expect(other == member.value, "\(member.key) in \(kind.rawValue)")
                }
                seen[member.key] = member.value
            }
        }
        #expect(seen.count > 5)
    }
}

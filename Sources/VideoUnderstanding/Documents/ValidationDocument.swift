import OrderedJSON

/// `reelscribe/validation@1`: what is wrong with the documents of a file.
public struct ValidationDocument: Document, Equatable {
    public static let kind = DocumentKind.validation

    public var file: String
    public var report: ValidationReport

    public init(file: String, report: ValidationReport) {
        self.file = file
        self.report = report
    }

    public var json: JSON {
        var members = ObjectBuilder(Self.kind)
        members.add("file", file)
        members.add("documents", report.documents)
        members.add("valid", .bool(report.isValid))
        members.add("faults", Self.list(report.faults))
        if !report.warnings.isEmpty { members.add("warnings", Self.list(report.warnings)) }
        members.add("tool", ToolRecord.current.json)
        return members.json
    }

    private static func list(_ faults: [ValidationFault]) -> JSON {
        .array(
            faults.map { entry -> JSON in
                [
                    "line": .int(entry.line), "path": .string(entry.fault.path),
                    "message": .string(entry.fault.message),
                ]
            })
    }
}

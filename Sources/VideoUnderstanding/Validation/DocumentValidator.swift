import OrderedJSON

/// One fault of a file of documents.
public struct ValidationFault: Sendable, Equatable {
    /// From 1; where the value stands, or its document for JSON Lines.
    public var line: Int
    public var fault: SchemaFault

    public init(line: Int, fault: SchemaFault) {
        self.line = line
        self.fault = fault
    }

    /// A fault of the line as a whole.
    public init(line: Int, message: String) {
        self.init(line: line, fault: SchemaFault(path: "", message: message))
    }
}

extension ValidationFault {
    /// There is no document: what a producer that died leaves behind.
    static let nothing = ValidationFault(
        line: 1, fault: SchemaFault(path: "", message: "there is no document in it"))
}

/// What a validation found.
public struct ValidationReport: Sendable, Equatable {
    /// Documents that were looked at; of a manifest, jobs.
    public var documents: Int
    public var faults: [ValidationFault]
    /// What is no fault of the file, but may be one elsewhere: inputs of jobs that are not there.
    public var warnings: [ValidationFault]

    public var isValid: Bool { faults.isEmpty }

    public init(
        documents: Int, faults: [ValidationFault], warnings: [ValidationFault] = []
    ) {
        self.documents = documents
        self.faults = faults
        self.warnings = warnings
    }
}

/// Checks files of documents: one JSON document, or JSON Lines.
public struct DocumentValidator: Sendable {
    /// What documents are held against.
    public enum Rules: Sendable {
        /// The shipped schema that each document names, and the promises beyond it.
        case shipped
        /// One schema for all.
        case custom(JSONSchema)
    }

    private let rules: Rules
    private let shipped: [DocumentKind: JSONSchema]

    public init(_ rules: Rules = .shipped) {
        self.rules = rules
        switch rules {
        case .shipped:
            shipped = Dictionary(
                uniqueKeysWithValues: DocumentKind.allCases.map { ($0, $0.schema) })
        case .custom: shipped = [:]
        }
    }

    /// Checks one document, or one a line. A text is taken as lines where it is not one document
    /// as a whole and its first line is one.
    public func validate(_ bytes: [UInt8]) -> ValidationReport {
        do {
            let document = try JSON.parse(bytes)
            let located = faults(in: document).map {
                ValidationFault(line: JSONLocator.line(of: $0.path, in: bytes), fault: $0)
            }
            return ValidationReport(documents: 1, faults: located)
        } catch {
            if bytes.allSatisfy({ [0x20, 0x09, 0x0A, 0x0D].contains($0) }) {
                return ValidationReport(documents: 0, faults: [.nothing])
            }
            if let report = validateLines(bytes) { return report }
            let fault = SchemaFault(path: "", message: "\(error)")
            return ValidationReport(
                documents: 1, faults: [ValidationFault(line: error.line, fault: fault)])
        }
    }

    /// Nil where no line says anything, or the first that does is no JSON value of its own.
    private func validateLines(_ bytes: [UInt8]) -> ValidationReport? {
        var report = ValidationReport(documents: 0, faults: [])
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { continue }
            var found: [SchemaFault]
            do {
                found = faults(in: try JSON.parse(line))
            } catch {
                guard report.documents > 0 else { return nil }
                found = [SchemaFault(path: "", message: "not valid JSON: \(error.reason)")]
            }
            report.documents += 1
            report.faults += found.map { ValidationFault(line: index + 1, fault: $0) }
        }
        return report.documents > 0 ? report : nil
    }

    /// What is wrong with one document.
    public func faults(in document: JSON) -> [SchemaFault] {
        if case .custom(let schema) = rules { return schema.faults(in: document) }
        guard case .object(let object) = document else {
            return [SchemaFault(path: "", message: "a document must be an object")]
        }
        if let repeated = object.firstRepeatedKey {
            return [SchemaFault(path: "", message: "\(repeated) stands twice")]
        }
        guard let name = object["schema"]?.string else {
            return [SchemaFault(path: "", message: "\"schema\" is missing or not a string")]
        }
        guard let kind = DocumentKind.allCases.first(where: { $0.identifier == name }),
            let schema = shipped[kind]
        else {
            let known = DocumentKind.allCases.map(\.identifier).joined(separator: ", ")
            return [
                SchemaFault(
                    path: "/schema", message: "\(JSON.string(name).compact) is none of \(known)")
            ]
        }
        let faults = schema.faults(in: document)
        // The checks read what the schema has found to be in place.
        return faults.isEmpty ? DocumentChecks.faults(in: document, kind: kind) : faults
    }
}

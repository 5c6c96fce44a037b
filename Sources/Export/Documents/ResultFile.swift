import OrderedJSON
import VideoUnderstanding

/// Results in a file: one document, or one a line.
public struct ResultFile: Sendable {
    /// As messages call it.
    public let name: String
    public let documents: [ExportedDocument]

    /// Reads and validates a file, or standard input for `-`.
    ///
    /// - Throws: `Failure`, with status 66 where it cannot be read and 65 where it is no sound
    ///   document.
    public init(path: String) throws(Failure) {
        let name = path == "-" ? "standard input" : path
        let bytes = try SystemFiles.read(path, stage: .open)
        do throws(ExportError) {
            try self.init(bytes, name: name)
        } catch {
            throw error.failure
        }
    }

    /// - Parameter name: what messages call the file.
    public init(_ bytes: [UInt8], name: String) throws(ExportError) {
        self.name = name
        var documents: [ExportedDocument] = []
        let validator = DocumentValidator()
        for (json, line) in try Self.values(in: bytes, name: name) {
            if let fault = validator.faults(in: json).first {
                let reason = fault.path.isEmpty ? fault.message : fault.description
                throw .invalidDocument(file: name, line: line, reason: reason)
            }
            documents.append(
                try ExportedDocument(json, place: documents.count, line: line, file: name))
        }
        guard !documents.isEmpty else { throw .noDocument(file: name) }
        self.documents = documents
    }

    /// The values of a text that is one of them as a whole, or has one a line.
    private static func values(
        in bytes: [UInt8], name: String
    ) throws(ExportError) -> [(JSON, line: Int)] {
        let whole: JSONSyntaxError
        do throws(JSONSyntaxError) {
            return [(try JSON.parse(bytes), 1)]
        } catch {
            whole = error
        }
        var values: [(JSON, line: Int)] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { continue }
            do throws(JSONSyntaxError) {
                values.append((try JSON.parse(line), index + 1))
            } catch {
                // Where not even the first line is a value, the text was meant as a whole.
                let isLines = !values.isEmpty
                throw .invalidDocument(
                    file: name, line: isLines ? index + 1 : whole.line,
                    reason: "not valid JSON: \((isLines ? error : whole).reason)")
            }
        }
        return values
    }

    /// The documents that are meant.
    ///
    /// - Parameters:
    ///   - id: the job's; an `ask` has a document a question.
    ///   - index: place in the file, from 0.
    public func selected(id: String?, index: Int?) throws(ExportError) -> [ExportedDocument] {
        var chosen = documents
        if let id { chosen = chosen.filter { $0.id?.utf8.elementsEqual(id.utf8) ?? false } }
        if let index { chosen = chosen.filter { $0.place == index } }
        guard !chosen.isEmpty else {
            let wanted = [id.map { "--id \($0)" }, index.map { "--index \($0)" }]
                .compactMap(\.self).joined(separator: " and ")
            throw .notFound(file: name, wanted: wanted, documents: documents.count)
        }
        return chosen
    }
}

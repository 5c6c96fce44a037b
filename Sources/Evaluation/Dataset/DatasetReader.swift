import OrderedJSON
import VideoUnderstanding

/// A dataset: questions and summaries with what is right.
public struct Dataset: Sendable, Equatable {
    public var path: String
    public var cases: [EvaluationCase]
    /// Fields that were passed over and are probably misspelt, each with the first of its lines.
    /// Fields of other names are passed over too, as datasets have many.
    public var misspelt: [LineFault]

    /// Reads a file, or standard input for `-`.
    ///
    /// - Parameters:
    ///   - videos: the folder in which videos lie; nil: that of the dataset.
    ///   - categoryField: results are grouped by it; nil: by the usual ones.
    /// - Throws: `job.invalid` with the lines that cannot be used, `input.not_found`.
    public static func load(
        _ path: String, videos: String? = nil, categoryField: String? = nil
    ) throws(Failure) -> Dataset {
        let bytes = try SystemFiles.read(path, stage: .options)
        let reader = CaseReader(
            finder: VideoFinder(dataset: path, videos: videos), categoryField: categoryField)
        do throws(DatasetError) {
            var misspelt: [LineFault] = []
            let cases = try DatasetReader(path: path).cases(bytes, reader, &misspelt)
            return Dataset(path: path, cases: cases, misspelt: misspelt)
        } catch {
            throw Failure(error)
        }
    }
}

/// Takes a file apart into records: JSON Lines, one JSON array, one JSON object with a member for
/// each video, or lines `ID START END##SENTENCE`.
struct DatasetReader {
    /// One object, and where it stood.
    struct Record {
        var line: Int
        var object: JSONObject
    }

    let path: String

    func cases(
        _ bytes: [UInt8], _ reader: CaseReader, _ misspelt: inout [LineFault]
    ) throws(DatasetError) -> [EvaluationCase] {
        var faults: [LineFault] = []
        var cases: [EvaluationCase] = []
        var seen = Set<String>()
        for record in records(bytes, &faults) {
            let odd = reader.misspelt(in: record)
            misspelt += odd.filter { seen.insert("\($0.reason)").inserted }
            do throws(LineFault) {
                cases.append(try reader.read(record))
            } catch {
                faults.append(error)
                if case .missing = error.reason { faults += odd }
            }
        }
        guard faults.isEmpty else {
            throw .unusable(path: path, faults: faults.sorted { $0.line < $1.line })
        }
        guard !cases.isEmpty else { throw .empty(path: path) }
        return cases
    }

    private func records(_ bytes: [UInt8], _ faults: inout [LineFault]) -> [Record] {
        var values: [(line: Int, value: JSON)] = []
        switch try? JSON.parse(bytes) {
        case .array(let elements):
            values = elements.enumerated().map { ($0 + 1, $1) }
        case .object(let object) where Self.isKeyedByVideo(object):
            values = object.members.enumerated().map { index, member in
                var record = member.value.object ?? JSONObject()
                record["video"] = record["video"] ?? .string(member.key)
                return (index + 1, .object(record))
            }
        case .some(let value): values = [(1, value)]
        case nil: values = lines(bytes, &faults)
        }
        return values.flatMap { line, value -> [Record] in
            guard let object = value.object else {
                faults.append(LineFault(line: line, reason: .notAnObject))
                return []
            }
            return Self.parts(of: object).map { Record(line: line, object: $0) }
        }
    }

    private func lines(
        _ bytes: [UInt8], _ faults: inout [LineFault]
    ) -> [(line: Int, value: JSON)] {
        var values: [(Int, JSON)] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            guard line.contains(where: { ![0x20, 0x09, 0x0D].contains($0) }) else { continue }
            if let record = Self.tagged(line) {
                values.append((index + 1, record))
                continue
            }
            do throws(JSONSyntaxError) {
                values.append((index + 1, try JSON.parse(line)))
            } catch {
                let isText = String(validating: line, as: UTF8.self) != nil
                faults.append(
                    LineFault(
                        line: index + 1, reason: isText ? .notJSON(error.reason) : .notUTF8))
            }
        }
        return values
    }

    /// `ID START END##SENTENCE`; nil for anything else.
    private static func tagged(_ line: ArraySlice<UInt8>) -> JSON? {
        guard let text = String(validating: line, as: UTF8.self),
            let mark = text.firstRange(of: "##")
        else { return nil }
        let head = text[..<mark.lowerBound].split(separator: " ")
        guard head.count == 3, let start = Double(head[1]), let end = Double(head[2]) else {
            return nil
        }
        return [
            "video": .string(String(head[0])),
            "sentence": .string(String(text[mark.upperBound...].filter { $0 != "\r" })),
            "timestamps": [.decimal(start), .decimal(end)],
        ]
    }

    /// Whether an object is a dataset and not a record: every member is an object.
    private static func isKeyedByVideo(_ object: JSONObject) -> Bool {
        !object.members.isEmpty && object.members.allSatisfy { $0.value.object != nil }
    }

    /// The records in an object: its `questions`, or its `sentences` with their `timestamps`, each
    /// with the other members of the object; else the object itself.
    private static func parts(of object: JSONObject) -> [JSONObject] {
        if let questions = object["questions"]?.array, !questions.isEmpty,
            questions.allSatisfy({ $0.object != nil })
        {
            return questions.map { question in
                var part = object
                part["questions"] = nil
                for member in question.object?.members ?? [] { part[member.key] = member.value }
                return part
            }
        }
        if let sentences = object["sentences"]?.array, let times = object["timestamps"]?.array,
            !sentences.isEmpty, sentences.count == times.count
        {
            return zip(sentences, times).map { sentence, time in
                var part = object
                part["sentences"] = nil
                part["sentence"] = sentence
                part["timestamps"] = time
                return part
            }
        }
        return [object]
    }
}

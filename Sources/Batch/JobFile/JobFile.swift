import OrderedJSON
import VideoUnderstanding

/// A batch as one file: which videos, what is wanted of each, and where the results go.
///
/// Source: the JSON Schema `job`; written as YAML, of which JSON is a part.
public struct JobFile: Sendable {
    public private(set) var manifest: Manifest
    /// The given settings with the file's options over them.
    public private(set) var base: Settings
    public let model: String?
    public let output: String?
    public let isUnordered: Bool?
    public let includesTiming: Bool?
    public let limit: Int?
    public let threads: Int?
    public let maxMemory: ByteSize?
    /// What a person should know: patterns without a file, folders that were not looked into.
    public private(set) var notices: [String] = []

    private static let largest = 4 << 20

    /// Reads a job file and finds its videos.
    ///
    /// - Parameters:
    ///   - base: settings that the file's options go over.
    ///   - variables: values for the variables that the file declares.
    /// - Throws: `job.invalid` with the lines of all that is wrong.
    public static func reading(
        _ path: String, base: Settings, variables: [VariableValue] = []
    ) throws(BatchError) -> JobFile {
        let (text, canBeReadAgain) = try text(of: path)
        do throws(JobFileFaults) {
            let yaml = try located(text, variables)
            var file = try JobFile(path: path, yaml: yaml, base: base)
            if !canBeReadAgain { file.manifest.canBeReadAgain = false }
            return file
        } catch {
            switch error {
            case .faults(let faults): throw .jobFile(path: path, faults)
            case .batch(let error): throw error
            }
        }
    }

    private enum JobFileFaults: Error {
        case faults([JobFileFault])
        case batch(BatchError)
    }

    private static func text(
        of path: String
    ) throws(BatchError) -> (text: String, canBeReadAgain: Bool) {
        var reader = try LineReader(path: path, limit: largest)
        var bytes: [UInt8] = []
        var number = 0
        while let line = try reader.next() {
            number += 1
            guard bytes.count + line.length <= largest else {
                throw .jobFile(
                    path: path,
                    [JobFileFault(line: number, message: "more than \(largest >> 20) MiB")])
            }
            bytes += line.bytes + [UInt8(ascii: "\n")]
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .jobFile(path: path, [JobFileFault(line: 1, message: "not UTF-8")])
        }
        return (text, reader.canBeReadAgain)
    }

    /// The file with its variables filled in, as its schema asks for.
    private static func located(
        _ text: String, _ given: [VariableValue]
    ) throws(JobFileFaults) -> LocatedYAML {
        let yaml: LocatedYAML
        do throws(JobFileFault) {
            // Once for what the variables are, and once with them.
            let plain = try LocatedYAML(text) { $1 }
            let variables: Variables
            do throws(VariableFault) {
                variables = try Variables(declared: plain.value["variables"], given: given)
            } catch {
                throw JobFileFault(
                    line: plain.line(of: "/variables"), message: "--set: \(error.description)")
            }
            yaml = try LocatedYAML(text) { path, scalar throws(VariableFault) in
                path.hasPrefix("/variables/") ? scalar : try variables.filled(scalar)
            }
        } catch {
            throw .faults([error])
        }
        let faults = DocumentKind.job.schema.faults(in: yaml.value, limit: 20)
        guard faults.isEmpty else {
            throw .faults(
                faults.map {
                    let place = $0.path.isEmpty ? "" : "\($0.path.dropFirst()): "
                    return JobFileFault(line: yaml.line(of: $0.path), message: place + $0.message)
                })
        }
        return yaml
    }

    // MARK: - Values, after the schema has found them in place

    private init(path: String, yaml: LocatedYAML, base: Settings) throws(JobFileFaults) {
        let file = yaml.value
        manifest = Manifest(source: path)
        model = file["model"]?.string
        output = file["output"]?["file"]?.string
        isUnordered = file["output"]?["unordered"]?.bool
        includesTiming = file["output"]?["timing"]?.bool
        limit = file["limits"]?["jobs"]?.int
        threads = file["limits"]?["threads"]?.int
        self.base = base
        var faults: [JobFileFault] = []
        func note(_ path: String, _ message: String) {
            faults.append(JobFileFault(line: yaml.line(of: path), message: message))
        }

        var size: ByteSize?
        if let value = file["limits"]?["max-memory"] {
            size = ByteSize(parsing: value.string ?? value.compact)
            if size == nil { note("/limits/max-memory", "limits/max-memory: no number of bytes") }
        }
        maxMemory = size
        do throws(JobFault) {
            self.base = try base.applying(file["options"] ?? .null, of: nil)
        } catch {
            note(Self.path(of: error, below: "/options"), error.description)
        }
        let tasks = try Self.tasks(file["tasks"], over: self.base, note)
        guard faults.isEmpty else { throw .faults(faults) }
        try addJobs(file["inputs"]?.array ?? [], tasks, yaml)
    }

    /// One task of the file, whose options were tried.
    private struct FileTask {
        var name: String
        /// What its jobs' lines say beside id and video.
        var members: [JSONObject.Member]
    }

    private static func tasks(
        _ value: JSON?, over base: Settings, _ note: (String, String) -> Void
    ) throws(JobFileFaults) -> [FileTask] {
        var tasks: [FileTask] = []
        for (index, task) in (value?.array ?? []).enumerated() {
            let path = "/tasks/\(index)"
            let word = task["task"]?.string ?? ""
            let name = task["name"]?.string ?? word
            if tasks.contains(where: { $0.name == name }) {
                note(path, "two tasks are called '\(name)': give each a name")
            }
            do throws(JobFault) {
                _ = try base.applying(
                    task["options"] ?? .null, of: JobTaskName(rawValue: word))
            } catch {
                note(Self.path(of: error, below: path + "/options"), error.description)
            }
            let members = (task.object?.members ?? []).filter { $0.key != "name" }
            tasks.append(FileTask(name: name, members: members))
        }
        return tasks
    }

    private mutating func addJobs(
        _ inputs: [JSON], _ tasks: [FileTask], _ yaml: LocatedYAML
    ) throws(JobFileFaults) {
        var seen = Set<String>()
        var number = 0
        for (index, input) in inputs.enumerated() {
            let path = "/inputs/\(index)"
            if let manifest = input["manifest"]?.string {
                do throws(BatchError) {
                    let read = try Manifest.reading(manifest)
                    if !read.canBeReadAgain { self.manifest.canBeReadAgain = false }
                    for entry in read.entries {
                        number += 1
                        self.manifest.add(
                            entry.line, line: number, place: "\(manifest), \(entry.place)")
                    }
                } catch {
                    throw .batch(error)
                }
                continue
            }
            guard !tasks.isEmpty else {
                let fault = JobFileFault(
                    line: yaml.line(of: path), message: "there are videos, but no tasks")
                throw .faults([fault])
            }
            var videos = input["files"]?.array?.compactMap(\.string) ?? []
            if let pattern = input["glob"]?.string {
                let search = FileGlob.search(pattern)
                videos = search.files
                notices += search.notices
                if videos.isEmpty { notices.append("no file matches \(pattern)") }
            }
            // What two patterns find is one video.
            for video in videos where seen.insert(video).inserted {
                for task in tasks {
                    number += 1
                    let line = Self.line(of: task, video: video)
                    manifest.add(
                        line, line: number, place: "\(task.name) of \(video)")
                }
            }
        }
    }

    private static func line(of task: FileTask, video: String) -> [UInt8] {
        let head: JSONObject = ["id": .string("\(task.name):\(video)"), "video": .string(video)]
        return Array(JSON.object(JSONObject(head.members + task.members)).compact.utf8)
    }

    /// Where the option stands that a fault names.
    private static func path(of fault: JobFault, below path: String) -> String {
        switch fault {
        case .unknownOption(let name, _), .optionOfRun(let name),
            .optionOfOtherTask(let name, _), .wrongOption(let name, _, _):
            LocatedYAML.appending(name, to: path)
        default: path
        }
    }
}

import OrderedJSON
import VideoUnderstanding

/// A batch as one file: which videos, what is wanted of each, and where the results go.
///
/// Source: the JSON Schema `job`; written as YAML, of which JSON is a part.
public struct JobFile: Sendable {
    public private(set) var manifest: Manifest
    /// The given settings with the file's options over them, and the command line's over these.
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

    /// Reads a job file and finds its videos.
    ///
    /// - Parameters:
    ///   - name: its path, or what a ready one is called.
    ///   - ready: the job files that are called by name.
    ///   - base: settings that the file's options go over.
    ///   - variables: values for the variables that the file declares.
    ///   - overriding: puts in what goes over the options of the file and of its tasks; not over
    ///     those of a manifest's lines, each of which means its own job.
    /// - Throws: `job.invalid` with the lines of all that is wrong.
    public static func reading(
        _ name: String, ready: ReadyJobFiles? = nil, base: Settings,
        variables: [VariableValue] = [], overriding: SettingsOverride? = nil
    ) throws(BatchError) -> JobFile {
        let path = ready?.path(of: name) ?? name
        let text: String
        let canBeReadAgain: Bool
        do throws(BatchError) {
            (text, canBeReadAgain) = try Self.text(of: path)
        } catch {
            guard case .inputMissing(let path, let reason) = error else { throw error }
            throw .jobFileMissing(path: path, reason: reason, ready: ready?.names ?? [])
        }
        do throws(JobFileFaults) {
            let yaml = try located(text, variables)
            var (file, tasks) = try understood(yaml, path: path, base: base, overriding)
            try file.addJobs(yaml.value["inputs"]?.array ?? [], tasks, yaml)
            if !canBeReadAgain { file.manifest.canBeReadAgain = false }
            return file
        } catch {
            switch error {
            case .faults(let faults): throw .jobFile(path: path, faults)
            case .batch(let error): throw error
            }
        }
    }

    /// What is wrong with a job file by itself, and, as warnings, inputs that are not there. Variables
    /// without a value are no fault, and inputs that depend on one are not looked for.
    public static func check(
        _ path: String
    ) throws(BatchError) -> (faults: [JobFileFault], warnings: [JobFileFault]) {
        let text = try text(of: path).text
        do throws(JobFileFaults) {
            // A number can stand for a text, a rate and a time as well.
            let yaml = try located(text, [], standIn: "1")
            _ = try understood(yaml, path: path, base: Settings(), nil)
            let inputs = yaml.value["inputs"]?.array ?? []
            return ([], inputs.indices.flatMap { warnings(about: $0, in: yaml) })
        } catch {
            switch error {
            case .faults(let faults): return (faults, [])
            case .batch(let error): throw error
            }
        }
    }

    private static func warnings(about index: Int, in yaml: LocatedYAML) -> [JobFileFault] {
        let place = "/inputs/\(index)"
        let input = yaml.value["inputs"]?[index]
        func isKnown(_ text: String) -> Bool { !text.contains(unknown) }
        func warning(_ path: String, _ message: String) -> JobFileFault {
            JobFileFault(line: yaml.line(of: place + path), message: message)
        }
        if let pattern = input?["glob"]?.string, isKnown(pattern) {
            do throws(FileGlob.Fault) {
                try FileGlob.check(pattern)
            } catch {
                return [warning("/glob", error.description)]
            }
            let search = FileGlob.search(pattern)
            let none =
                search.files.isEmpty ? ["no file matches \(FileGlob.plain(pattern))"] : []
            return (search.notices + none).map { warning("/glob", $0) }
        }
        if let manifest = input?["manifest"]?.string, isKnown(manifest) {
            do throws(BatchError) {
                let lines = try Manifest.reading(manifest).entries
                let bad = lines.count {
                    if case .invalid = $0.jobLine(base: Settings()) { true } else { false }
                }
                guard bad > 0 else { return [] }
                let text = "\(bad) of \(lines.count) lines of \(manifest) are no jobs"
                return [
                    warning("/manifest", "\(text): see reelscribe validate \(manifest)")
                ]
            } catch {
                return [warning("/manifest", error.failure.description)]
            }
        }
        var looked = InputWarnings()
        for (item, file) in (input?["files"]?.array ?? []).enumerated() {
            guard let file = file.string, isKnown(file) else { continue }
            looked.look(at: file, line: yaml.line(of: "\(place)/files/\(item)"))
        }
        return looked.all.map { JobFileFault(line: $0.line, message: $0.message) }
    }

    /// Stands in inputs for the value of a variable that has none; no path holds it.
    private static let unknown = "\u{0}"

    private enum JobFileFaults: Error {
        case faults([JobFileFault])
        case batch(BatchError)
    }

    private static func text(
        of path: String
    ) throws(BatchError) -> (text: String, canBeReadAgain: Bool) {
        guard !SystemFiles.isFolder(path) else {
            throw .wrongKind(path: path, .folder, givenAs: .jobFile)
        }
        let largest = FileKind.mostRead
        var reader = try LineReader(path: path, limit: largest)
        if let kind = FileKind.ofHead(try reader.head()) {
            throw .wrongKind(path: path, kind, givenAs: .jobFile)
        }
        var lines: [[UInt8]] = []
        var size = 0
        while size <= largest, let line = try reader.next() {
            lines.append(line.bytes)
            size += line.length
        }
        if let kind = FileKind.ofJobFile(lines) {
            throw .wrongKind(path: path, kind, givenAs: .jobFile)
        }
        guard size <= largest else {
            throw .jobFile(
                path: path,
                [JobFileFault(line: lines.count, message: "more than \(largest >> 20) MiB")])
        }
        let bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .jobFile(path: path, [JobFileFault(line: 1, message: "not UTF-8")])
        }
        return (text, reader.canBeReadAgain)
    }

    /// The file with its variables filled in, as its schema asks for.
    private static func located(
        _ text: String, _ given: [VariableValue], standIn: String? = nil
    ) throws(JobFileFaults) -> LocatedYAML {
        let yaml: LocatedYAML
        do throws(JobFileFault) {
            // Once for what the variables are, and once with them.
            let plain = try LocatedYAML(text) { $1 }
            let variables: Variables
            do throws(VariableFault) {
                variables = try Variables(
                    declared: plain.value["variables"], given: given, standIn: standIn)
            } catch {
                throw JobFileFault(
                    line: plain.line(of: "/variables"), message: "--set: \(error.description)")
            }
            yaml = try LocatedYAML(text) { path, scalar throws(VariableFault) in
                if path.hasPrefix("/variables/") { return scalar }
                // A folder may be called `a[1]`; only what the file itself says is a pattern.
                let isGlob = path.hasPrefix("/inputs/") && path.hasSuffix("/glob")
                let isInput = path.hasPrefix("/inputs/")
                return try variables.filled(scalar, unknown: isInput ? unknown : nil) {
                    isGlob ? FileGlob.literal($0) : $0
                }
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

    private static func understood(
        _ yaml: LocatedYAML, path: String, base: Settings, _ overriding: SettingsOverride?
    ) throws(JobFileFaults) -> (JobFile, [FileTask]) {
        var tasks: [FileTask] = []
        let file = try JobFile(path: path, yaml: yaml, base: base, overriding, &tasks)
        return (file, tasks)
    }

    private init(
        path: String, yaml: LocatedYAML, base: Settings, _ overriding: SettingsOverride?,
        _ tasks: inout [FileTask]
    ) throws(JobFileFaults) {
        let file = yaml.value
        manifest = Manifest(source: path)
        manifest.overriding = overriding
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
            self.base = try base.applying(
                file["options"] ?? .null, of: nil, overriding: overriding)
        } catch {
            note(Self.path(of: error, below: "/options"), error.description)
        }
        tasks = try Self.tasks(file["tasks"], over: self.base, overriding, note)
        guard faults.isEmpty else { throw .faults(faults) }
    }

    /// One task of the file, whose options were tried.
    private struct FileTask {
        var name: String
        /// What its jobs' lines say beside id and video.
        var members: [JSONObject.Member]
    }

    private static func tasks(
        _ value: JSON?, over base: Settings, _ overriding: SettingsOverride?,
        _ note: (String, String) -> Void
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
                    task["options"] ?? .null, of: JobTaskName(rawValue: word),
                    overriding: overriding)
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
                            entry.line, line: number, place: "\(manifest), \(entry.place)",
                            isOverridden: false)
                    }
                } catch {
                    throw Self.fault(
                        error, of: self.manifest.source, yaml.line(of: path + "/manifest"))
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
                do throws(FileGlob.Fault) {
                    try FileGlob.check(pattern)
                } catch {
                    let fault = JobFileFault(
                        line: yaml.line(of: path + "/glob"), message: error.description)
                    throw .batch(.inputsMissing(path: manifest.source, fault))
                }
                let search = FileGlob.search(pattern)
                videos = search.files
                notices += search.notices
                if videos.isEmpty { notices.append("no file matches \(FileGlob.plain(pattern))") }
            }
            // What two patterns find is one video.
            for video in videos where seen.insert(video).inserted {
                for task in tasks {
                    number += 1
                    let line = Self.line(of: task, video: video)
                    manifest.add(
                        line, line: number, place: "\(task.name) of \(video)", isOverridden: true)
                }
            }
        }
    }

    /// What is wrong with a manifest that a job file names, at its line there.
    private static func fault(
        _ error: BatchError, of path: String, _ line: Int
    ) -> JobFileFaults {
        switch error {
        case .inputMissing, .cannotRead:
            .batch(
                .inputsMissing(
                    path: path, JobFileFault(line: line, message: error.failure.message)))
        case .wrongKind(let name, let kind, _):
            .batch(.inputOfWrongKind(path: path, line: line, named: name, kind))
        default: .batch(error)
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

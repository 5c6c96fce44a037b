import OrderedJSON
import VideoUnderstanding

/// Puts into settings what goes over a job's own options.
public typealias SettingsOverride = @Sendable (inout Settings) -> Void

extension Settings {
    /// These settings with a job's options over them.
    ///
    /// - Parameters:
    ///   - options: an object of option names and values; null counts as absent, as do values that
    ///     are null.
    ///   - task: nil where the options are for jobs of any task.
    ///   - overriding: goes over the options.
    /// - Throws: with the name of the first option that is unknown, wrong, or at odds with others.
    public func applying(
        _ options: JSON, of task: JobTaskName?, overriding: SettingsOverride? = nil
    ) throws(JobFault) -> Settings {
        let options = options.isNull ? .object(JSONObject()) : options
        guard case .object(let object) = options else {
            throw .wrong(
                member: "options", expected: "an object", found: JobFault.excerpt(options))
        }
        if let repeated = object.firstRepeatedKey { throw .repeated(member: repeated) }
        let shapes = object.members.filter {
            JobOption.shapeNames.contains($0.key) && !$0.value.isNull
        }
        if shapes.count > 1 {
            throw .settings(
                shapes.map { "'\($0.key)'" }.joined(separator: " and ") + " exclude one another")
        }
        var settings = self
        for member in object.members {
            let option = try Self.option(member.key, of: task)
            guard !member.value.isNull else { continue }
            guard option.apply(member.value, &settings) else {
                throw .wrongOption(
                    member.key, expected: option.expected, found: JobFault.excerpt(member.value))
            }
        }
        overriding?(&settings)
        do {
            try settings.validate()
        } catch {
            throw .settings(error.message)
        }
        return settings
    }

    private static func option(
        _ name: String, of task: JobTaskName?
    ) throws(JobFault) -> JobOption {
        guard let option = JobOption.all.first(where: { $0.name == name }) else {
            if JobOption.ofRun.contains(name) { throw .optionOfRun(name) }
            let dashed = name.replacing("_", with: "-").lowercased()
            let plain = String(dashed.drop { $0 == "-" })
            throw .unknownOption(
                name, meant: JobOption.all.contains { $0.name == plain } ? plain : nil)
        }
        if let task, !option.tasks.contains(task) { throw .optionOfOtherTask(name, task: task) }
        return option
    }
}

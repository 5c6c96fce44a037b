import OrderedJSON
import VideoUnderstanding

/// What is wrong with a manifest, found without a run.
public enum ManifestCheck {
    /// What is wrong with the lines of a manifest, and, as warnings, inputs that are not there; nil
    /// for bytes that are no manifest.
    public static func report(on bytes: [UInt8], named source: String) -> ValidationReport? {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard FileKind.isManifest(lines) else { return nil }
        var manifest = Manifest(source: source)
        for (index, line) in lines.enumerated() where !JobLine.isBlank(line) {
            manifest.add(Array(line), line: index + 1)
        }
        var report = ValidationReport(documents: manifest.count, faults: [])
        var inputs = InputWarnings()
        for entry in manifest.entries {
            switch entry.jobLine(base: Settings()) {
            case .job(let job): inputs.look(at: job.video, line: entry.number)
            case .invalid(let invalid):
                report.faults.append(
                    ValidationFault(line: entry.number, message: invalid.fault.description))
            }
        }
        report.warnings = inputs.all.map { ValidationFault(line: $0.line, message: $0.message) }
        return report
    }
}

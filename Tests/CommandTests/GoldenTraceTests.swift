import Foundation
import OrderedJSON
import Testing

/// Every stage of the path against the reference implementation, through the command that others
/// use for the same purpose. Guards against any change of numbers anywhere on the path.
@Suite struct GoldenTraceTests {
    static let ownCases = cases(below: Repository.path("Tests/Fixtures/golden"))
    static let sharedCases = cases(below: Repository.shared("reference"))

    @Test(arguments: ownCases)
    func traceEqualsTheReference(_ item: Case) throws { try check(item) }

    @Test(
        .enabled(
            if: !sharedCases.isEmpty, "no further reference cases beside this checkout"),
        arguments: sharedCases)
    func traceEqualsFurtherReferenceCases(_ item: Case) throws { try check(item) }

    @Test func thereAreCases() { #expect(Self.ownCases.count >= 8) }

    struct Case: Sendable, CustomTestStringConvertible {
        let folder: String
        let name: String
        var testDescription: String { name }
    }

    private func check(_ item: Case) throws {
        let folder = "\(item.folder)/cases/\(item.name)"
        let facts = try JSON.parse(
            [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/case.json"))))
        let arguments = try #require(facts["trace_args"]?.array).map { try #require($0.string) }
        let output = FileManager.default.temporaryDirectory
            .appendingPathComponent("trace-\(UUID().uuidString).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: output) }
        let run = try Tool.run(arguments + [output], in: item.folder)
        try #require(run.status == 0, "\(run.errors)")
        let differences = TraceComparison.differences(
            golden: try TraceFile(path: "\(folder)/golden.safetensors"),
            trace: try TraceFile(path: output))
        #expect(differences == [])
    }

    private static func cases(below folder: String) -> [Case] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(folder)/cases")) ?? []
        return names.sorted().filter {
            FileManager.default.fileExists(atPath: "\(folder)/cases/\($0)/case.json")
        }.map { Case(folder: folder, name: $0) }
    }
}

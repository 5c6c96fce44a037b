import Testing
import VideoUnderstanding

@Suite struct DoctorTests {
    private static let facts = ProcessorFacts(
        name: "cpu", cores: 2, features: ["avx2"], memory: 16 << 30)

    private func examine(
        _ probes: MachineProbes, facts: ProcessorFacts = facts, model: Bool = true
    ) -> DoctorDocument {
        let environment = model ? ["REELSCRIBE_MODEL": "/"] : [:]
        return Doctor(
            probes: probes,
            surroundings: ModelSurroundings(
                environment: environment, executable: nil, currentFolder: "/nowhere"),
            facts: facts
        ).examine()
    }

    private let sound = MachineProbes(
        libraries: [LibraryRecord(name: "libavcodec", version: "59.37.100")],
        hasDecoder: { _ in true }, instructionSet: "avx2", blas: "OpenBLAS 0.3.21")

    @Test func aSoundMachineIsFine() {
        let document = examine(sound)
        #expect(document.status == .ok, "\(document.text)")
        #expect(document.checks.allSatisfy { $0.hint == nil })
    }

    @Test func whatIsMissingComesWithAHint() {
        let bare = MachineProbes(
            libraries: [], hasDecoder: { _ in false }, instructionSet: "scalar", blas: "")
        let document = examine(
            bare, facts: ProcessorFacts(name: "cpu", cores: 1, features: [], memory: 1 << 30),
            model: false)
        #expect(document.status == .error)
        let bad = document.checks.filter { $0.status != .ok }
        #expect(
            bad.map(\.name) == ["FFmpeg", "decoders", "processor", "BLAS", "memory", "model"])
        #expect(bad.allSatisfy { $0.hint?.isEmpty == false })
    }

    // A processor that is newer than the library gets kernels that are older than both.
    @Test(
        arguments: [
            ("OpenBLAS, kernels for Prescott", ["avx2"], false),
            ("OpenBLAS, kernels for Prescott", [], true),
            ("OpenBLAS, kernels for Haswell", ["avx2"], true),
            ("OpenBLAS, kernels for SkylakeX", ["avx2", "avx512f"], true),
        ] as [(String, [String], Bool)])
    func oldMatrixKernelsAreNoticed(blas: String, features: [String], isFine: Bool) {
        var probes = sound
        probes.blas = blas
        let document = examine(
            probes,
            facts: ProcessorFacts(name: "cpu", cores: 2, features: features, memory: 16 << 30))
        #expect((document.status == .ok) == isFine, "\(document.text)")
        #expect(document.text.contains("OPENBLAS_CORETYPE=Haswell") == !isFine)
    }

    // AV1 is decoded by libraries of other names; without any it is missing.
    @Test func decodersAreKnownByAnyOfTheirNames() {
        var probes = sound
        probes.hasDecoder = { $0 != "av1" && $0 != "libaom-av1" }
        #expect(examine(probes).status == .ok)
        probes.hasDecoder = { !$0.contains("av1") && $0 != "libdav1d" }
        #expect(examine(probes).status == .warning)
        #expect(examine(probes).text.contains("without av1"))
    }

    @Test(
        arguments: [
            (
                "processor\t: 0\nmodel name\t: Some: CPU @ 2GHz\nflags\t\t: fpu avx2 fma avx512f sse\n",
                "Some: CPU @ 2GHz", ["avx2", "fma", "avx512f"]
            ),
            ("Features\t: fp asimd bf16\n", "unknown processor", ["asimd", "bf16"]),
            ("", "unknown processor", []), ("::::\nflags", "unknown processor", []),
        ] as [(String, String, [String])])
    func processors(cpuinfo: String, name: String, features: [String]) {
        let facts = ProcessorFacts(cpuinfo: cpuinfo, cores: 1, memory: 1)
        #expect(facts.name == name)
        #expect(facts.features == features)
    }
}

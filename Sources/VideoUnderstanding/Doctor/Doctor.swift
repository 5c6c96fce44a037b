/// What only the other modules know about this machine.
public struct MachineProbes: Sendable {
    /// The linked FFmpeg libraries.
    public var libraries: [LibraryRecord]
    /// Whether the linked FFmpeg has a decoder of this name.
    public var hasDecoder: @Sendable (String) -> Bool
    /// Level of the kernels in use: `scalar`, `avx2`, `avx512`, …
    public var instructionSet: String
    /// Name, version and kernel of the matrix library.
    public var blas: String

    public init(
        libraries: [LibraryRecord], hasDecoder: @escaping @Sendable (String) -> Bool,
        instructionSet: String, blas: String
    ) {
        self.libraries = libraries
        self.hasDecoder = hasDecoder
        self.instructionSet = instructionSet
        self.blas = blas
    }
}

/// Looks at the machine, and says what is missing and how to get it.
public struct Doctor: Sendable {
    /// Decoders without which everyday files cannot be read.
    private static let expectedDecoders = [
        "h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mjpeg", "prores", "gif",
        "png", "webp",
    ]

    /// Kernels of OpenBLAS without AVX, by its names of the processors they were made for.
    private static let oldKernels = [
        "Generic", "Katmai", "Coppermine", "Northwood", "Prescott", "Banias", "Core2", "Penryn",
        "Dunnington", "Atom", "Nano", "Nehalem", "Opteron", "Opteron_SSE3", "Barcelona", "Bobcat",
    ]

    private let probes: MachineProbes
    private let locator: ModelLocator
    private let facts: ProcessorFacts

    public init(probes: MachineProbes, surroundings: ModelSurroundings) {
        self.init(
            probes: probes, surroundings: surroundings, facts: ProcessorFacts.ofThisMachine)
    }

    package init(
        probes: MachineProbes, surroundings: ModelSurroundings, facts: ProcessorFacts
    ) {
        self.probes = probes
        self.facts = facts
        locator = ModelLocator(surroundings)
    }

    public func examine() -> DoctorDocument {
        let tool = ToolRecord.current
        return DoctorDocument(
            checks: [
                CheckRecord(name: tool.name, status: .ok, found: tool.version),
                ffmpeg, decoders, processor, blas, memory, model,
            ],
            libraries: probes.libraries)
    }

    private var ffmpeg: CheckRecord {
        let found = probes.libraries.map { "\($0.name) \($0.version)" }.joined(separator: ", ")
        guard !found.isEmpty else {
            return CheckRecord(
                name: "FFmpeg", status: .error, found: "no library answered",
                hint: "apt-get install libavformat-dev libavcodec-dev libavutil-dev libswscale-dev"
            )
        }
        return CheckRecord(name: "FFmpeg", status: .ok, found: found)
    }

    private var decoders: CheckRecord {
        let missing = Self.expectedDecoders.filter { name in
            // AV1 goes by the name of whichever library decodes it.
            let names = name == "av1" ? ["libdav1d", "libaom-av1", "av1"] : [name]
            return !names.contains(where: probes.hasDecoder)
        }
        let present = Self.expectedDecoders.filter { !missing.contains($0) }
        guard !missing.isEmpty else {
            return CheckRecord(
                name: "decoders", status: .ok, found: present.joined(separator: ", "))
        }
        return CheckRecord(
            name: "decoders", status: present.isEmpty ? .error : .warning,
            found: "without " + missing.joined(separator: ", "),
            hint: "files of these kinds cannot be read; a full build of FFmpeg has them")
    }

    private var processor: CheckRecord {
        let cores = facts.cores == 1 ? "1 core" : "\(facts.cores) cores"
        let features = facts.features.isEmpty ? "" : "; " + facts.features.joined(separator: " ")
        let found = "\(facts.name), \(cores), kernels: \(probes.instructionSet)\(features)"
        guard probes.instructionSet == "scalar" else {
            return CheckRecord(name: "processor", status: .ok, found: found)
        }
        return CheckRecord(
            name: "processor", status: .warning, found: found,
            hint: "without vector instructions everything takes many times as long")
    }

    private var blas: CheckRecord {
        guard !probes.blas.isEmpty else {
            return CheckRecord(
                name: "BLAS", status: .error, found: "no library answered",
                hint: "apt-get install libopenblas-dev")
        }
        // What OpenBLAS falls back to on processors that are newer than itself, though it has better.
        let isOld = Self.oldKernels.contains { probes.blas.hasSuffix(" \($0)") }
        guard isOld, facts.features.contains("avx2") else {
            return CheckRecord(name: "BLAS", status: .ok, found: probes.blas)
        }
        let better = facts.features.contains("avx512f") ? "SkylakeX" : "Haswell"
        return CheckRecord(
            name: "BLAS", status: .warning, found: probes.blas,
            hint:
                "this OpenBLAS does not know the processor and fell back to slow kernels; reelscribe "
                + "computes with its own, and bench corrects its yardstick by itself "
                + "(OPENBLAS_CORETYPE=\(better) in the environment does it for other programs)")
    }

    private var memory: CheckRecord {
        let total = ByteSize(bytes: facts.memory)
        let limit = ByteSize(bytes: facts.memory / 5 * 4)
        let found = "\(total.text); a run may use \(limit.text)"
        guard facts.memory >= 7 << 30 else {
            return CheckRecord(
                name: "memory", status: .warning, found: found,
                hint: "the 2B model in bf16 needs about 6 GiB")
        }
        return CheckRecord(name: "memory", status: .ok, found: found)
    }

    private var model: CheckRecord {
        do throws(Failure) {
            let located = try locator.locate(nil)
            let origin =
                switch located.origin {
                case .asked: "asked for"
                case .environment: "from REELSCRIBE_MODEL"
                case .bundled: "the sample model"
                }
            return CheckRecord(name: "model", status: .ok, found: "\(located.path) (\(origin))")
        } catch {
            return CheckRecord(
                name: "model", status: .error, found: error.message, hint: error.hint)
        }
    }
}

/// What the system says about its processor and memory.
public struct ProcessorFacts: Sendable, Equatable {
    public var name: String
    public var cores: Int
    /// Of the vector features that matter here, those that are there.
    public var features: [String]
    /// Bytes.
    public var memory: Int

    public init(name: String, cores: Int, features: [String], memory: Int) {
        self.name = name
        self.cores = cores
        self.features = features
        self.memory = memory
    }

    private static let relevant = [
        "avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_bf16", "avx512_vnni",
        "amx_bf16", "asimd", "asimdhp", "bf16", "sve",
    ]

    /// This machine's facts, each found anew.
    public static var ofThisMachine: ProcessorFacts {
        let bytes = (try? SystemFiles.read("/proc/cpuinfo", stage: .tool, limit: 1 << 24)) ?? []
        return ProcessorFacts(
            cpuinfo: String(decoding: bytes, as: UTF8.self), cores: SystemFiles.onlineCores,
            memory: SystemFiles.physicalMemory)
    }

    /// - Parameter cpuinfo: the text of `/proc/cpuinfo`.
    package init(cpuinfo: String, cores: Int, memory: Int) {
        var name: Substring?
        var flags: Set<Substring> = []
        for line in cpuinfo.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let key = line[..<colon].filter { $0 != "\t" && $0 != " " }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            switch key {
            case "modelname": name = name ?? value
            case "flags", "Features": if flags.isEmpty { flags = Set(value.split(separator: " ")) }
            default: break
            }
            if name != nil, !flags.isEmpty { break }
        }
        self.init(
            name: name.map(String.init) ?? "unknown processor", cores: cores,
            features: Self.relevant.filter { flags.contains(Substring($0)) }, memory: memory)
    }
}

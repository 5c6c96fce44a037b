/// What the tool and its nursery (see `NurseryProcess`) say to each other: packets of five numbers.
enum ControlMessage: Equatable {
    /// Start a decoding process; its end of a socket comes along.
    case start(memory: Int, processorSeconds: Int, network: Bool, writing: Bool)
    /// End a process.
    case kill(process: Int32)
    /// A process was started; 0 where that failed.
    case started(process: Int32)
    case ended(process: Int32, ProcessEnd)

    static let length = 5 * 8

    var bytes: [UInt8] {
        let numbers: [Int] =
            switch self {
            case .start(let memory, let seconds, let network, let writing):
                [1, memory, seconds, network ? 1 : 0, writing ? 1 : 0]
            case .kill(let process): [2, Int(process), 0, 0, 0]
            case .started(let process): [3, Int(process), 0, 0, 0]
            case .ended(let process, let end):
                [4, Int(process), Int(end.status), end.peakMemory, 0]
            }
        return numbers.flatMap { number in
            withUnsafeBytes(of: Int64(number).littleEndian) { Array($0) }
        }
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.length else { return nil }
        let numbers = stride(from: 0, to: Self.length, by: 8).map { start in
            Int(bytes[start..<start + 8].reversed().reduce(Int64(0)) { $0 << 8 | Int64($1) })
        }
        let process = Int32(truncatingIfNeeded: numbers[1])
        switch numbers[0] {
        case 1:
            self = .start(
                memory: numbers[1], processorSeconds: numbers[2], network: numbers[3] == 1,
                writing: numbers[4] == 1)
        case 2: self = .kill(process: process)
        case 3: self = .started(process: process)
        case 4:
            self = .ended(
                process: process,
                ProcessEnd(
                    status: Int32(truncatingIfNeeded: numbers[2]), peakMemory: numbers[3]))
        default: return nil
        }
    }
}

/// How a process ended.
struct ProcessEnd: Sendable, Equatable {
    /// As wait(2) gives it.
    var status: Int32
    /// The most memory that was resident, in bytes.
    var peakMemory: Int

    /// The signal that ended it, or nil.
    var signal: Int32? { status & 0x7F == 0 ? nil : status & 0x7F }
    var exitCode: Int32 { status >> 8 & 0xFF }
}

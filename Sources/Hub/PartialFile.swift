import Foundation
import Synchronization

/// A file that grows as its bytes come, and is kept when they stop coming.
final class PartialFile: Sendable {
    private struct State {
        var handle: FileHandle
        var size: Int
        var problem: HubError?
    }

    let path: String
    private let state: Mutex<State>

    /// Opens a file and goes on at its end.
    init(path: String) throws(HubError) {
        let (handle, size) = try Self.open(path)
        self.path = path
        state = Mutex(State(handle: handle, size: size))
    }

    private static func open(_ path: String) throws(HubError) -> (FileHandle, Int) {
        do {
            if !FileManager.default.fileExists(atPath: path) {
                try Data().write(to: URL(fileURLWithPath: path))
            }
            let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
            return (handle, Int(try handle.seekToEnd()))
        } catch {
            throw .cannotWrite(path: path, reason: error.localizedDescription)
        }
    }

    var size: Int { state.withLock { $0.size } }
    var problem: HubError? { state.withLock { $0.problem } }

    /// - Returns: false where the bytes cannot be written; ``problem`` then says why.
    func append(_ data: Data) -> Bool {
        attempt { state in
            try state.handle.write(contentsOf: data)
            state.size += data.count
        }
    }

    /// Begins again.
    @discardableResult
    func truncate() -> Bool {
        attempt { state in
            try state.handle.truncate(atOffset: 0)
            try state.handle.seek(toOffset: 0)
            state.size = 0
        }
    }

    /// Brings all bytes to the disk and closes the file.
    func close() throws(HubError) {
        _ = attempt { state in
            try state.handle.synchronize()
            try state.handle.close()
        }
        if let problem { throw problem }
    }

    private func attempt(_ body: (inout State) throws -> Void) -> Bool {
        state.withLock { state in
            do {
                try body(&state)
                return true
            } catch {
                state.problem = .cannotWrite(path: path, reason: error.localizedDescription)
                return false
            }
        }
    }
}

/// A short answer in memory.
final class Collected: Sendable {
    private let data = Mutex(Data())
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func add(_ more: Data) -> Bool {
        data.withLock { data in
            data.append(more)
            return data.count <= limit
        }
    }

    func clear() { data.withLock { $0.removeAll() } }
    var bytes: [UInt8] { data.withLock { Array($0) } }
}

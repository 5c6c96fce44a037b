/// What can go wrong with memory and mapped files.
public enum ComputeError: Error, Sendable, Equatable {
    /// No file, or no right to read it; `errno` of the call.
    case unreadable(path: String, errno: Int32)
    /// A folder, a pipe or a device where a file is needed.
    case notRegularFile(path: String)
    /// A file without a byte cannot be mapped.
    case emptyFile(path: String)
    /// The file was replaced, or cut, or grew while it was mapped.
    case changedSize(path: String, mapped: Int, found: Int)
    /// The system gives no more memory.
    case outOfMemory(bytes: Int)
}

extension ComputeError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unreadable(let path, let number):
            "\(path): cannot be read (\(systemMessage(number)))"
        case .notRegularFile(let path): "\(path): not a regular file"
        case .emptyFile(let path): "\(path): the file is empty"
        case .changedSize(let path, let mapped, let found):
            "\(path): changed while it was in use (\(mapped) bytes at first, now \(found))"
        case .outOfMemory(let bytes): "out of memory: \(bytes) bytes were refused"
        }
    }
}

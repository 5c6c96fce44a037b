import Compute
import OrderedJSON

/// Names of the files in a checkpoint's folder.
enum CheckpointFile {
    static let config = "config.json"
    static let generation = "generation_config.json"
    static let preprocessor = "preprocessor_config.json"
    static let weights = "model.safetensors"
    static let index = "model.safetensors.index.json"

    /// Bytes that a JSON file may have; the largest published index has less than a hundredth.
    static let jsonLimit = 16 << 20

    /// The bytes and the object of a JSON file, or the fault that it is not one.
    static func object(
        _ name: String, in folder: String
    ) -> Result<(bytes: [UInt8], object: JSONObject), Fault> {
        do throws(ComputeError) {
            let file = try MappedFile(path: folder + "/" + name)
            guard file.count <= jsonLimit else {
                return .failure(Fault(name, .tooLarge(bytes: file.count, limit: jsonLimit)))
            }
            let bytes = Array(UnsafeRawBufferPointer(start: file.base, count: file.count))
            do throws(JSONSyntaxError) {
                guard let object = try JSON.parse(bytes).object else {
                    return .failure(Fault(name, .wrongType(expected: "an object")))
                }
                return .success((bytes, object))
            } catch {
                return .failure(Fault(name, .unreadable(error.description)))
            }
        } catch {
            return .failure(Fault(name, error.asProblem))
        }
    }
}

extension ComputeError {
    /// The error as the fault of a file of a checkpoint.
    var asProblem: Fault.Problem {
        switch self {
        case .unreadable(_, let number):
            // 2 is ENOENT everywhere.
            number == 2 ? .missing : .unreadable(description)
        case .emptyFile: .unreadable("the file is empty")
        case .notRegularFile: .unreadable("not a regular file")
        case .changedSize(_, let mapped, let found): .tooShort(bytes: found, expected: mapped)
        case .outOfMemory: .unreadable(description)
        }
    }
}

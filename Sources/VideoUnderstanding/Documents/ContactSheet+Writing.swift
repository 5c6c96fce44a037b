import Video

extension ContactSheet {
    /// Writes the sheet as PNG; the file appears whole or not at all.
    public func write(to path: String) throws(Failure) {
        var file = try FileOutput(path: path, atomically: true, option: "--contact-sheet")
        let bytes: [UInt8]
        do {
            bytes = try PNG.encode(image())
        } catch {
            throw Failure(error, stage: .output)
        }
        try bytes.withUnsafeBufferPointer { pointer throws(Failure) in
            try file.write(UnsafeRawBufferPointer(pointer))
        }
        try file.finish()
    }
}

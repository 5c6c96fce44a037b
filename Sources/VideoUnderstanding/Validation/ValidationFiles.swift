import OrderedJSON

extension DocumentValidator {
    /// The bytes of a file to be checked, or of standard input for `-`.
    public static func bytes(of path: String) throws(Failure) -> [UInt8] {
        try SystemFiles.read(path, stage: .validate)
    }
}

extension JSONSchema {
    /// The schema in a file.
    ///
    /// - Throws: `input.not_found` where it cannot be read, `options.invalid` where it cannot be
    ///   used, with status 65 as it is data.
    public static func load(file path: String) throws(Failure) -> JSONSchema {
        let bytes = try SystemFiles.read(path, stage: .options)
        do {
            return try JSONSchema(try JSON.parse(bytes))
        } catch {
            throw Failure(
                .optionsInvalid, stage: .options, message: "\(path) is no usable schema: \(error)",
                hint: "JSON Schema draft 2020-12 with local $ref is understood",
                status: .badInput)
        }
    }
}

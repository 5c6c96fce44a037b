import Video

extension Analyzer {
    /// Writes the tensors of every stage as a safetensors file; see contract section 5.
    ///
    /// The file appears whole or not at all.
    /// - Throws: `Failure`.
    public func writeTrace(
        of inputs: [VideoInput], _ options: TraceOptions, settings: Settings, to path: String,
        onEvent: (AnalysisEvent) throws -> Void = { _ in }
    ) throws(Failure) {
        // Made first: a path that cannot be written should not cost a run of the model.
        var file = try FileOutput(path: path, atomically: true)
        let tensors = try trace(inputs, trace: options, settings: settings, onEvent: onEvent)
        try SafetensorsWriter.write(
            tensors,
            metadata: [
                ("tool", "\(ToolRecord.current.name) \(ToolRecord.current.version)"),
                ("model", model.name), ("fingerprint", model.fingerprint),
            ]
        ) { bytes throws(Failure) in
            try file.write(bytes)
        }
        try file.finish()
    }
}

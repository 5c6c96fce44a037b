import OrderedJSON

extension DocumentKind {
    /// The text of the kind's JSON Schema, as it ships inside the tool.
    public var schemaText: String { String(decoding: schemaBytes, as: UTF8.self) }

    /// The schema, ready for use.
    ///
    /// - Precondition: our own schema is sound; a test reads every one.
    public var schema: JSONSchema {
        do {
            return try JSONSchema(try JSON.parse(schemaBytes))
        } catch {
            preconditionFailure("the shipped schema \(rawValue) cannot be used: \(error)")
        }
    }

    private var schemaBytes: [UInt8] {
        switch self {
        case .summary: PackageResources.summary_schema_json
        case .answer: PackageResources.answer_schema_json
        case .error: PackageResources.error_schema_json
        case .frames: PackageResources.frames_schema_json
        case .plan: PackageResources.plan_schema_json
        case .modelInfo: PackageResources.model_info_schema_json
        case .bench: PackageResources.bench_schema_json
        case .doctor: PackageResources.doctor_schema_json
        case .validation: PackageResources.validation_schema_json
        case .evaluation: PackageResources.evaluation_schema_json
        case .evaluationResult: PackageResources.evaluation_result_schema_json
        case .job: PackageResources.job_schema_json
        case .run: PackageResources.run_schema_json
        case .index: PackageResources.index_schema_json
        }
    }
}

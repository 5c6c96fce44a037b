import VideoUnderstanding

/// A command whose jobs' own options go over those of its command line.
protocol JobSettingsCommand {
    var prompt: String? { get }
    var system: String? { get }
    var windows: WindowOptions { get }
    var isolation: IsolationOptions { get }
    var sampling: SamplingOptions { get }
    var model: ModelOptions { get }
    var generation: GenerationOptions { get }
}

extension JobSettingsCommand {
    func settings() throws -> Settings {
        try Settings.from { settings in
            sampling.apply(to: &settings)
            model.apply(to: &settings)
            generation.apply(to: &settings)
            isolation.apply(to: &settings)
            windows.apply(to: &settings)
            settings.prompt = prompt
            settings.system = system
        }
    }
}

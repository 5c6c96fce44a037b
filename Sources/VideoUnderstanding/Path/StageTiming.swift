extension TimingRecord {
    /// Adds the time of `body` to one of the stages.
    mutating func measure<Value, Failure: Error>(
        _ stage: WritableKeyPath<TimingRecord, Double>,
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let start = ContinuousClock.now
        defer { self[keyPath: stage] += (ContinuousClock.now - start).seconds }
        return try body()
    }
}

extension Duration {
    /// The whole of it in seconds.
    package var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}

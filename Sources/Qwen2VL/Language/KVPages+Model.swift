import Compute

extension KVPages {
    /// Pages for the keys and values of all layers.
    ///
    /// - Throws: `outOfMemory`.
    init(_ text: TextConfiguration, format: KVFormat, pages: Int) throws(ComputeError) {
        try self.init(
            format: format, layers: text.layers, heads: text.kvHeads, headSize: text.headSize,
            pages: pages)
    }

    /// Pages that hold so many tokens.
    static func pages(for tokens: Int) -> Int { (tokens + tokensPerPage - 1) / tokensPerPage }
}

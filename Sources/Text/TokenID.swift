/// A row of the embedding table.
public typealias TokenID = Int

import Imaging

/// Where a patch lies in its frame, counted in patches.
struct PatchCoordinate: Sendable, Equatable {
    var row: Int
    var column: Int

    /// The patches of one frame pair in row order: blocks of `merge · merge` patches that become
    /// one token, in raster order, and in raster order inside (spec 3).
    static func of(_ grid: PatchGrid, merge: Int) -> [PatchCoordinate] {
        var result: [PatchCoordinate] = []
        result.reserveCapacity(grid.height * grid.width)
        for blockRow in 0..<grid.height / merge {
            for blockColumn in 0..<grid.width / merge {
                for row in 0..<merge {
                    for column in 0..<merge {
                        result.append(
                            PatchCoordinate(
                                row: blockRow * merge + row,
                                column: blockColumn * merge + column))
                    }
                }
            }
        }
        return result
    }
}

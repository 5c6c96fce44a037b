import Glibc

/// How stored rows and columns are turned to stand upright: one of the eight right-angle turns
/// with and without mirroring.
///
/// Source: a display matrix maps a stored point (x, y) to (a·x + c·y, b·x + d·y); numbers are
/// 16.16 fixed point, only a, b, c and d matter here.
package struct Orientation: Sendable, Hashable {
    /// Each is -1, 0 or 1.
    package let a, b, c, d: Int

    package static let upright = Orientation(a: 1, b: 0, c: 0, d: 1)

    private init(a: Int, b: Int, c: Int, d: Int) {
        (self.a, self.b, self.c, self.d) = (a, b, c, d)
    }

    /// Nil for a matrix that is not a right-angle turn, mirrored or not: sheared, turned by
    /// another angle, or degenerate. Scaling is ignored.
    package init?(matrix: [Int32]) {
        guard matrix.count == 9 else { return nil }
        let (a, b) = (Double(matrix[0]), Double(matrix[1]))
        let (c, d) = (Double(matrix[3]), Double(matrix[4]))
        let straight = min(a.magnitude, d.magnitude)
        let crossed = min(b.magnitude, c.magnitude)
        // A hundredth is a turn by about half a degree, which writers' rounding does not reach.
        if straight > 0, max(b.magnitude, c.magnitude) < straight / 100 {
            self.init(a: a < 0 ? -1 : 1, b: 0, c: 0, d: d < 0 ? -1 : 1)
        } else if crossed > 0, max(a.magnitude, d.magnitude) < crossed / 100 {
            self.init(a: 0, b: b < 0 ? -1 : 1, c: c < 0 ? -1 : 1, d: 0)
        } else {
            return nil
        }
    }

    /// Whether width and height change places.
    package var swapsAxes: Bool { a == 0 }

    /// The angle that players state, counter-clockwise in degrees: 0, 90, -90 or -180.
    package var rotation: Int {
        switch (a, b) {
        case (1, _): 0
        case (-1, _): -180
        case (_, 1): -90
        default: 90
        }
    }

    /// The upright picture.
    ///
    /// - Parameters:
    ///   - pixels: `[height, width, 3]`.
    package func upright(_ pixels: [UInt8], width: Int, height: Int) -> [UInt8] {
        guard self != .upright else { return pixels }
        let outWidth = swapsAxes ? height : width
        let outHeight = swapsAxes ? width : height
        // Where the first upright pixel is stored, and the steps to its neighbours.
        let acrossX = a
        let acrossY = c
        let downX = b
        let downY = d
        let originX = acrossX < 0 || downX < 0 ? width - 1 : 0
        let originY = acrossY < 0 || downY < 0 ? height - 1 : 0
        let across = 3 * (acrossX + acrossY * width)
        let down = 3 * (downX + downY * width)
        var place = 3 * (originX + originY * width)
        return [UInt8](unsafeUninitializedCapacity: pixels.count) { result, count in
            pixels.withUnsafeBufferPointer { source in
                var target = 0
                for _ in 0..<outHeight {
                    var from = place
                    for _ in 0..<outWidth {
                        result[target] = source[from]
                        result[target + 1] = source[from + 1]
                        result[target + 2] = source[from + 2]
                        target += 3
                        from += across
                    }
                    place += down
                }
            }
            count = pixels.count
        }
    }
}

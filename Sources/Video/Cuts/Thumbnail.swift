/// A picture reduced to a few hundred averages: what shot cuts are found in.
///
/// Stored rows and columns, not turned upright: only pictures of one stream are compared.
package struct Thumbnail: Sendable, Equatable {
    package static let lumaGrid = (columns: 24, rows: 16)
    package static let chromaGrid = (columns: 12, rows: 8)

    /// `[rows, columns]`, each the average of a cell, 0 to 255.
    package let luma: [UInt8]
    /// Colour differences, 128 for grey.
    package let blue: [UInt8]
    package let red: [UInt8]

    package init(luma: [UInt8], blue: [UInt8], red: [UInt8]) {
        precondition(
            luma.count == Self.lumaGrid.columns * Self.lumaGrid.rows
                && blue.count == Self.chromaGrid.columns * Self.chromaGrid.rows
                && red.count == blue.count,
            "\(luma.count), \(blue.count) and \(red.count) cells")
        self.luma = luma
        self.blue = blue
        self.red = red
    }

    /// How much another picture differs, from 0 (not at all) to 1 (nothing in common).
    ///
    /// Two views of it are mixed. Structure compares cell by cell after brightness and contrast
    /// are levelled, so that a lamp or an exposure that changes counts little; it rests on
    /// contrast and is trusted the less the flatter the pictures are. The histogram compares how
    /// often brightness and colours occur, wherever they are, so that motion counts little.
    /// Black bars count for nothing.
    package func difference(from other: Thumbnail) -> Double {
        let box = ActiveBox(self, other)
        let (mine, others) = (Levels(luma, in: box), Levels(other.luma, in: box))
        let contrast = min(mine.spread, others.spread)
        let trust = 0.35 + 0.4 * contrast / (contrast + 8)
        return trust * mine.structure(against: others)
            + (1 - trust) * histogramDifference(from: other, in: box)
    }

    /// Mean distance in levels of brightness or of a colour difference, whichever is larger; black
    /// bars apart.
    package func distance(from other: Thumbnail) -> Double {
        let box = ActiveBox(self, other)
        func mean(
            _ mine: [UInt8], _ others: [UInt8], _ stride: Int, _ columns: Range<Int>,
            _ rows: Range<Int>
        ) -> Double {
            var sum = 0
            for row in rows {
                for cell in columns.map({ row * stride + $0 }) {
                    sum += abs(Int(mine[cell]) - Int(others[cell]))
                }
            }
            return Double(sum) / Double(columns.count * rows.count)
        }
        let stride = Self.chromaGrid.columns
        return max(
            mean(luma, other.luma, Self.lumaGrid.columns, box.lumaColumns, box.lumaRows),
            mean(blue, other.blue, stride, box.chromaColumns, box.chromaRows),
            mean(red, other.red, stride, box.chromaColumns, box.chromaRows))
    }

    /// The part of the picture, black bars apart, whose brightness or colour is notably another.
    package func change(from other: Thumbnail) -> Double {
        let box = ActiveBox(self, other)
        let spread = (Levels(luma, in: box).spread + Levels(other.luma, in: box).spread) / 2
        let notable = 2 + 0.2 * spread
        var (changed, count) = (0, 0)
        for row in box.lumaRows {
            for column in box.lumaColumns {
                let cell = row * Self.lumaGrid.columns + column
                let chroma = row / 2 * Self.chromaGrid.columns + column / 2
                count += 1
                if Double(abs(Int(luma[cell]) - Int(other.luma[cell]))) > notable
                    || abs(Int(blue[chroma]) - Int(other.blue[chroma])) > 5
                    || abs(Int(red[chroma]) - Int(other.red[chroma])) > 5
                {
                    changed += 1
                }
            }
        }
        return Double(changed) / Double(count)
    }

    private func histogramDifference(from other: Thumbnail, in box: ActiveBox) -> Double {
        max(
            Histogram(luma: luma, in: box).difference(from: Histogram(luma: other.luma, in: box)),
            Histogram(chroma: blue, in: box)
                .difference(from: Histogram(chroma: other.blue, in: box)),
            Histogram(chroma: red, in: box)
                .difference(from: Histogram(chroma: other.red, in: box)))
    }
}

/// The cells that are not part of black bars in both of two pictures.
private struct ActiveBox {
    var lumaColumns = 0..<Thumbnail.lumaGrid.columns
    var lumaRows = 0..<Thumbnail.lumaGrid.rows

    /// Chroma cells are as large as 2×2 luma cells; one that a bar touches still counts.
    var chromaColumns: Range<Int> { lumaColumns.lowerBound / 2..<(lumaColumns.upperBound + 1) / 2 }
    var chromaRows: Range<Int> { lumaRows.lowerBound / 2..<(lumaRows.upperBound + 1) / 2 }

    /// Levels up to this are black, with some noise.
    private static let black: UInt8 = 26
    /// A box smaller than this is a dark picture with a light in it rather than one with bars.
    private static let leastCells = 48

    init(_ one: Thumbnail, _ other: Thumbnail) {
        let (columns, rows) = (Thumbnail.lumaGrid.columns, Thumbnail.lumaGrid.rows)
        var (left, right, top, bottom) = (columns, 0, rows, 0)
        for row in 0..<rows {
            for column in 0..<columns {
                let cell = row * columns + column
                guard max(one.luma[cell], other.luma[cell]) > Self.black else { continue }
                left = min(left, column)
                right = max(right, column + 1)
                top = min(top, row)
                bottom = row + 1
            }
        }
        guard left < right, (right - left) * (bottom - top) >= Self.leastCells else { return }
        lumaColumns = left..<right
        lumaRows = top..<bottom
    }
}

/// The brightness of a picture, ready to be levelled.
private struct Levels {
    private let cells: [UInt8]
    private let box: ActiveBox
    private let mean: Double
    /// Mean distance from the mean.
    let spread: Double

    init(_ cells: [UInt8], in box: ActiveBox) {
        self.cells = cells
        self.box = box
        var (sum, count) = (0, 0)
        Self.each(box) {
            sum += Int(cells[$0])
            count += 1
        }
        let mean = Double(sum) / Double(count)
        var distances = 0.0
        Self.each(box) { distances += (Double(cells[$0]) - mean).magnitude }
        self.mean = mean
        spread = distances / Double(count)
    }

    /// 0 for equal structure, 1 for structures that have nothing in common.
    func structure(against other: Levels) -> Double {
        // Below this contrast there is nothing but noise.
        let floor = 2.0
        let (scale, otherScale) = (1 / (spread + floor), 1 / (other.spread + floor))
        var (sum, count) = (0.0, 0)
        Self.each(box) {
            let mine = (Double(cells[$0]) - mean) * scale
            let others = (Double(other.cells[$0]) - other.mean) * otherScale
            sum += (mine - others).magnitude
            count += 1
        }
        // Two unrelated pictures are about √2 apart; real ones share skies and floors.
        return min(1, sum / Double(count) / 1.2)
    }

    private static func each(_ box: ActiveBox, _ body: (Int) -> Void) {
        for row in box.lumaRows {
            for column in box.lumaColumns { body(row * Thumbnail.lumaGrid.columns + column) }
        }
    }
}

/// How often each level occurs. A level between two bins counts for both in proportion, so that a
/// slow change of light moves the histogram slowly.
private struct Histogram {
    private var bins: [Int]
    private var total = 0

    init(luma: [UInt8], in box: ActiveBox) {
        self.init(luma, Thumbnail.lumaGrid.columns, box.lumaColumns, box.lumaRows, binWidth: 16)
    }

    /// Colours lie closer together than brightness, so that their bins are narrower.
    init(chroma: [UInt8], in box: ActiveBox) {
        self.init(
            chroma, Thumbnail.chromaGrid.columns, box.chromaColumns, box.chromaRows, binWidth: 8)
    }

    private init(
        _ cells: [UInt8], _ stride: Int, _ columns: Range<Int>, _ rows: Range<Int>, binWidth: Int
    ) {
        bins = [Int](repeating: 0, count: 256 / binWidth + 1)
        for row in rows {
            for column in columns {
                let level = Int(cells[row * stride + column])
                let (bin, rest) = (level / binWidth, level % binWidth)
                bins[bin] += binWidth - rest
                bins[bin + 1] += rest
                total += binWidth
            }
        }
    }

    func difference(from other: Histogram) -> Double {
        var sum = 0.0
        for (mine, others) in zip(bins, other.bins) {
            sum += (Double(mine) / Double(total) - Double(others) / Double(other.total)).magnitude
        }
        return sum / 2
    }
}

import Foundation
import Video

extension RenderedCase {
    private static let field = Scene(seed: 1, brightness: 130, contrast: 60, blue: -20, red: -10)
    private static let hall = Scene(seed: 2, brightness: 90, contrast: 70, blue: 4, red: 14)
    private static let sea = Scene(seed: 3, brightness: 150, contrast: 30, blue: 25, red: -15)
    private static let night = Scene(seed: 4, brightness: 28, contrast: 14, blue: 3)
    private static let snow = Scene(seed: 5, brightness: 205, contrast: 40)

    /// Views that differ in nothing but what is where: the same colours and brightness.
    private static let angles = (10..<16).map {
        Scene(seed: UInt64($0), brightness: 110, contrast: 60, blue: 6, red: 8)
    }

    static let all: [Self] = [
        shots("different scenes", [field, hall, sea, snow, field, night]),
        shots("angles of one scene", angles),
        shots(
            "dark scenes",
            [
                night, Scene(seed: 40, brightness: 26, contrast: 14, blue: 3),
                Scene(seed: 41, brightness: 32, contrast: 18, blue: 2, red: 2),
            ]),
        shots(
            "grey scenes",
            [
                Scene(seed: 50, contrast: 60), Scene(seed: 51, contrast: 60),
                Scene(seed: 52, brightness: 100, contrast: 40),
            ]),
        shots("grain", angles.dropLast(2) + [night], x: 0.5) { $1.addGrain(14, seed: $0) },
        shots("letterbox", angles) { $1.bars(left: 0, top: 24) },
        shots("pillarbox", angles) { $1.bars(left: 110, top: 0) },
        shots("dark pillarbox", [night, Scene(seed: 42, brightness: 30, contrast: 14)]) {
            $1.bars(left: 110, top: 0)
        },
        shots("fast pan", angles.dropLast(3) + [], x: 14),
        shots("fast tilt at 60", [hall, angles[0], sea], each: 60, x: 3, y: 6, rate: 60),
        shots(
            "fine texture moves",
            [
                Scene(seed: 60, contrast: 80, grain: 12), Scene(seed: 61, contrast: 80, grain: 12),
            ], x: 5, y: 3),
        shots(
            "slides",
            [
                Scene(seed: 70, brightness: 230, contrast: 0),
                Scene(seed: 71, brightness: 60, contrast: 0),
                Scene(seed: 72, brightness: 120, contrast: 0, blue: 40),
                Scene(seed: 73, brightness: 120, contrast: 0, red: 40),
            ], x: 0),
        Self(name: "shaking camera", frames: 80, cuts: [40]) { index, canvas in
            var random = SplitMix(state: UInt64(index))
            (index < 40 ? hall : field).paint(
                &canvas, x: random.unit() * 20, y: random.unit() * 20)
        },
        Self(name: "a box rushes by", frames: 60, cuts: []) { index, canvas in
            field.paint(&canvas)
            canvas.box(-160 + (index % 20) * 32, 20, 140, 150, level: 220)
        },
        Self(name: "sudden pan", frames: 75, cuts: []) { index, canvas in
            let travel = Double(min(max(index - 30, 0), 14)) * 34
            angles[1].paint(&canvas, x: travel)
        },
        Self(name: "flashes", frames: 100, cuts: [80]) { index, canvas in
            (index < 80 ? hall : sea).paint(&canvas, x: Double(index))
            if [15, 30, 31, 50, 51, 52].contains(index) { canvas.blend(to: 235, 0.85) }
        },
        Self(name: "wrong pictures in between", frames: 60, cuts: []) { index, canvas in
            ([20, 40, 41].contains(index) ? snow : field).paint(&canvas, x: Double(index))
        },
        Self(name: "strobe", frames: 60, cuts: []) { index, canvas in
            hall.paint(&canvas)
            if index % 4 < 2, index > 10 { canvas.blend(to: 235, 0.8) }
        },
        Self(name: "fade through black", frames: 90, cuts: []) { index, canvas in
            (index < 45 ? field : sea).paint(&canvas, x: Double(index) / 2)
            canvas.blend(to: 16, min(1, max(0, 1 - Double(abs(2 * index - 89) - 9) / 40)))
        },
        Self(name: "fast fade in", frames: 50, cuts: []) { index, canvas in
            hall.paint(&canvas)
            canvas.blend(to: 16, 1 - min(1, max(0, Double(index - 15) / 8)))
        },
        Self(name: "dissolve", frames: 80, cuts: []) { index, canvas in
            var other = canvas
            field.paint(&canvas)
            sea.paint(&other)
            canvas.blend(to: other, min(1, max(0, Double(index - 30) / 16)))
        },
        Self(name: "lamp", frames: 50, cuts: []) { index, canvas in
            var scene = angles[2]
            if index >= 25 {
                scene.brightness = 150
                scene.contrast = 82
            }
            scene.paint(&canvas)
        },
        Self(name: "every picture three times", frames: 90, cuts: [45]) { index, canvas in
            (index < 45 ? field : hall).paint(&canvas, x: Double(index / 3) * 18)
        },
        Self(
            name: "uneven times", frames: 40, cuts: [12, 25], rate: 1000,
            times: (0..<40).map { $0 * 40 + ($0 >= 12 ? 3000 : 0) + ($0 >= 25 ? 517 : 0) }
        ) { index, canvas in
            (index < 12 ? hall : index < 25 ? field : sea).paint(&canvas, x: Double(index))
        },
        Self(name: "large figures change", frames: 100, cuts: [50]) { index, canvas in
            (index < 50 ? field : snow).paint(&canvas)
            canvas.box(100 + index / 25 % 2 * 60, 30, 60, 120, level: 235)
        },
        Self(name: "a fast scene behind a calm one", frames: 90, cuts: [30, 60]) { index, canvas in
            (index / 30 == 1 ? sea : hall).paint(
                &canvas, x: index / 30 == 1 ? Double(index) * 37 : 0)
        },
        Self(name: "a cut over two pictures", frames: 60, cuts: [30]) { index, canvas in
            (index <= 30 ? field : hall).paint(&canvas)
            var other = canvas
            hall.paint(&other)
            if index == 30 { canvas.blend(to: other, 0.5) }
        },
        Self(name: "a cut in the last pictures", frames: 42, cuts: [40]) { index, canvas in
            (index < 40 ? hall : field).paint(&canvas, x: Double(index))
        },
    ]
}

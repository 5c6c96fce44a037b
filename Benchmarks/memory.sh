#!/usr/bin/env bash
# Shows that memory does not grow with the length of a video: peak resident memory of `reelscribe frames` on a 10-minute and
# on a 2-hour 1080p H.264 file, made here with ffmpeg. Prints one JSON document; exit status 1 where a limit is passed.
#
# usage: Benchmarks/memory.sh [--keep DIR] [--rate N] [--binary PATH]
#   --keep DIR     where the two files are made and left, to be used again (default: a temporary folder, removed at the end)
#   --rate N       pictures a second of the files (default: 10)
#   --binary PATH  the program (default: .build/release/reelscribe)
# Needs ffmpeg with libx264, python3, and about 60 MB of disk.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
keep='' rate=10 binary=$here/../.build/release/reelscribe
growth_limit=20 peak_limit=250 # MB

usage() { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
while [ $# -gt 0 ]; do
    case $1 in
        --keep | --rate | --binary)
            [ $# -ge 2 ] || { echo "memory.sh: $1 needs a value" >&2; exit 64; }
            printf -v "${1#--}" %s "$2"; shift 2 ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 64 ;;
    esac
done
for tool in ffmpeg python3; do
    command -v "$tool" >/dev/null || { echo "memory.sh: $tool is missing" >&2; exit 78; }
done
[ -x "$binary" ] || { echo "memory.sh: $binary is missing; make build" >&2; exit 78; }
if [ -n "$keep" ]; then
    mkdir -p "$keep"; work=$(cd "$keep" && pwd)
else
    work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
fi

# One minute is encoded; the longer files repeat its packets, with time stamps that go on.
ffmpeg=(ffmpeg -hide_banner -loglevel error -nostdin -y)
short=$work/1080p-10min-$rate.mp4 long=$work/1080p-2h-$rate.mp4
if [ ! -f "$short" ] || [ ! -f "$long" ]; then
    echo "Making the files in $work" >&2
    minute=$work/minute.mp4
    "${ffmpeg[@]}" -f lavfi -i "testsrc=size=1920x1080:rate=$rate:duration=60" \
        -c:v libx264 -preset veryfast -crf 34 -g $((rate * 5)) -pix_fmt yuv420p "$minute"
    "${ffmpeg[@]}" -stream_loop 9 -i "$minute" -c copy "$short.part.mp4"
    "${ffmpeg[@]}" -stream_loop 119 -i "$minute" -c copy "$long.part.mp4"
    mv "$short.part.mp4" "$short"; mv "$long.part.mp4" "$long"; rm "$minute"
fi

results=()
for file in "$short" "$long"; do
    echo "Running on $(basename "$file")" >&2
    results+=("$(basename "$file")" "$(python3 "$here/measure.py" "$binary" frames "$file" --progress none)")
done
python3 - "$growth_limit" "$peak_limit" "${results[@]}" <<'PYTHON'
import json, os, sys
growth_limit, peak_limit = map(float, sys.argv[1:3])
files = [{"file": name, **json.loads(text)} for name, text in zip(sys.argv[3::2], sys.argv[4::2])]
peaks = [f["peak_rss_mb"] for f in files]
growth = round(peaks[1] - peaks[0], 1)
passed = growth < growth_limit and max(peaks) < peak_limit
print(json.dumps({"benchmark": "memory", "files": files, "growth_mb": growth, "growth_limit_mb": growth_limit,
                  "peak_limit_mb": peak_limit, "cores": os.cpu_count(), "passed": passed}, indent=2))
sys.exit(0 if passed else 1)
PYTHON

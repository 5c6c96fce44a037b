#!/usr/bin/env bash
# Compares `reelscribe frames` (decode, sample, make each sampled picture upright RGB) with what ffmpeg needs to decode the
# same file and drop all but 2 pictures a second. Prints a JSON line a file.
#
# usage: Benchmarks/decode.sh [--runs N] [--binary PATH] FILE…
#   --runs N       runs of each program, taken in turn; the fastest counts (default: 3)
#   --binary PATH  the program (default: .build/release/reelscribe)
# Needs ffmpeg and python3.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
runs=3 binary=$here/../.build/release/reelscribe

usage() { sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
while [ $# -gt 0 ]; do
    case $1 in
        --runs | --binary)
            [ $# -ge 2 ] || { echo "decode.sh: $1 needs a value" >&2; exit 64; }
            printf -v "${1#--}" %s "$2"; shift 2 ;;
        -h | --help) usage; exit 0 ;;
        --) shift; break ;;
        -*) usage >&2; exit 64 ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || { usage >&2; exit 64; }
for tool in ffmpeg python3; do
    command -v "$tool" >/dev/null || { echo "decode.sh: $tool is missing" >&2; exit 78; }
done
[ -x "$binary" ] || { echo "decode.sh: $binary is missing; make build" >&2; exit 78; }

for file in "$@"; do
    ours=() theirs=()
    for ((i = 0; i < runs; i++)); do
        ours+=("$(python3 "$here/measure.py" "$binary" frames "$file" --progress none)")
        theirs+=("$(python3 "$here/measure.py" ffmpeg -nostdin -loglevel error -i "$file" \
            -map 0:V:0 -vf fps=2 -f null -)")
    done
    python3 - "$file" "$runs" "${ours[@]}" "${theirs[@]}" <<'PYTHON'
import json, os, sys
name, runs, rest = sys.argv[1], int(sys.argv[2]), [json.loads(t) for t in sys.argv[3:]]
fastest = lambda group: min(group, key=lambda m: m["wall_seconds"])
ours, theirs = fastest(rest[:runs]), fastest(rest[runs:])
cpu = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown")
print(json.dumps({"benchmark": "decode", "file": os.path.basename(name), "runs": runs, "reelscribe": ours,
                  "ffmpeg": theirs, "times_ffmpeg": round(ours["wall_seconds"] / theirs["wall_seconds"], 3),
                  "cpu": cpu, "cores": os.cpu_count()}))
PYTHON
done

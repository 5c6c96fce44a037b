#!/usr/bin/env bash
# Compares `reelscribe frames` (decode and sample) with what ffmpeg needs to decode the same file and drop all but 2
# pictures a second. Prints a JSON line a file and, for more than one, a line with the sums.
#
# usage: Benchmarks/decode.sh [--runs N] [--binary PATH] [--total] FILE|FOLDER…
#   --runs N       runs of each program, taken in turn; medians count (default: 3)
#   --binary PATH  the program (default: .build/release/reelscribe)
#   --total        print the sums only
# A folder stands for the files in it. Files that one of the programs refuses are named and left out.
# Needs ffmpeg and python3.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
runs=3 binary=$here/../.build/release/reelscribe total=

usage() { sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
while [ $# -gt 0 ]; do
    case $1 in
        --runs | --binary)
            [ $# -ge 2 ] || { echo "decode.sh: $1 needs a value" >&2; exit 64; }
            printf -v "${1#--}" %s "$2"; shift 2 ;;
        --total) total=yes; shift ;;
        -h | --help) usage; exit 0 ;;
        --) shift; break ;;
        -*) usage >&2; exit 64 ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || { usage >&2; exit 64; }
[[ $runs =~ ^[1-9][0-9]*$ ]] || { echo "decode.sh: --runs needs a number" >&2; exit 64; }
for tool in ffmpeg python3; do
    command -v "$tool" >/dev/null || { echo "decode.sh: $tool is missing" >&2; exit 78; }
done
[ -x "$binary" ] || { echo "decode.sh: $binary is missing; make build" >&2; exit 78; }

files=()
for argument in "$@"; do
    if [ -d "$argument" ]; then
        while IFS= read -r -d '' file; do files+=("$file"); done \
            < <(find "$argument" -maxdepth 1 -type f ! -name '.*' -print0 | sort -z)
    else
        files+=("$argument")
    fi
done
[ ${#files[@]} -gt 0 ] || { echo "decode.sh: no files" >&2; exit 66; }

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
for file in "${files[@]}"; do
    measured=()
    for ((i = 0; i < runs; i++)); do
        ours=$(python3 "$here/measure.py" "$binary" frames "$file" --progress none 2>/dev/null) \
            && theirs=$(python3 "$here/measure.py" ffmpeg -nostdin -loglevel quiet -i "$file" \
                -map 0:V:0 -vf fps=2 -f null - 2>/dev/null) \
            || { measured=(); break; }
        measured+=("$ours" "$theirs")
    done
    if [ ${#measured[@]} -eq 0 ]; then
        echo "decode.sh: left out: $file" >&2
        continue
    fi
    line=$(python3 - "$file" "${measured[@]}" <<'PYTHON'
import json, os, statistics, sys
name, rest = sys.argv[1], [json.loads(text) for text in sys.argv[2:]]
def medians(group):
    result = {key: round(statistics.median(run[key] for run in group), 3) for key in group[0] if key != "status"}
    result["cpu_seconds"] = round(statistics.median(r["user_seconds"] + r["system_seconds"] for r in group), 3)
    return result
ours, theirs = medians(rest[0::2]), medians(rest[1::2])
ratio = lambda key: round(ours[key] / max(theirs[key], 0.001), 3)
print(json.dumps({"benchmark": "decode", "file": os.path.basename(name), "runs": len(rest) // 2, "reelscribe": ours,
                  "ffmpeg": theirs, "times_ffmpeg": ratio("wall_seconds"), "times_ffmpeg_cpu": ratio("cpu_seconds")}))
PYTHON
    )
    printf '%s\n' "$line" >>"$lines"
    [ -n "$total" ] || printf '%s\n' "$line"
done

[ -n "$total" ] || [ ${#files[@]} -gt 1 ] || exit 0
python3 - "$lines" "${#files[@]}" <<'PYTHON'
import json, os, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
cpu = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), "unknown")
sums = {tool: {key: round(sum(row[tool][key] for row in rows), 3) for key in ("wall_seconds", "cpu_seconds")}
        for tool in ("reelscribe", "ffmpeg")}
ratio = lambda key: round(sums["reelscribe"][key] / max(sums["ffmpeg"][key], 0.001), 3)
print(json.dumps({"benchmark": "decode_total", "files": len(rows), "left_out": int(sys.argv[2]) - len(rows), **sums,
                  "times_ffmpeg": ratio("wall_seconds"), "times_ffmpeg_cpu": ratio("cpu_seconds"), "cpu": cpu,
                  "cores": os.cpu_count()}))
PYTHON

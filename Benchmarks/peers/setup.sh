#!/usr/bin/env bash
# Installs the programs that ReelScribe is measured against, at pinned versions from PyPI, into a folder of their own:
# llama.cpp (llama-cpp-python, compiled here for this processor), transformers with torch, and OpenVINO.
#
# usage: Benchmarks/peers/setup.sh [--folder DIR] [--only NAME,…] [--level native|avx2] [--python PYTHON] [--jobs N]
#   --folder DIR     where they are installed (default: .build/peers)
#   --only NAME,…    of llama, transformers, openvino (default: all)
#   --level LEVEL    instructions that llama.cpp is compiled for: native, all of this processor; avx2, those of a processor
#                    without AVX-512, to stand beside REELSCRIBE_ISA=avx2 in a folder of its own (default: native)
#   --python PYTHON  a Python 3 with venv; what is installed there at the pinned version is used from there (default: python3)
#   --jobs N         compilers that run at once (default: 2)
# Needs a C++ compiler, and cmake 3.21 or later; ninja and cmake come from PyPI where they are missing. llama.cpp takes about
# 10 minutes of two cores, all packages together about 6 GB of disk, or 2 GB where torch is there already.
# A peer that cannot be installed is named, and the others are installed; exit status 1 where one is missing in the end.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$here/../../.build/peers only=llama,transformers,openvino level=native python=python3 jobs=2

usage() { sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
while [ $# -gt 0 ]; do
    case $1 in
        --folder | --only | --level | --python | --jobs)
            [ $# -ge 2 ] || { echo "setup.sh: $1 needs a value" >&2; exit 64; }
            printf -v "${1#--}" %s "$2"; shift 2 ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 64 ;;
    esac
done
case $level in
    native) instructions=-DGGML_NATIVE=ON ;;
    avx2) instructions='-DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON' ;;
    *) echo "setup.sh: --level is native or avx2" >&2; exit 64 ;;
esac
command -v "$python" >/dev/null || { echo "setup.sh: $python is missing" >&2; exit 78; }
mkdir -p "$folder" && folder=$(cd "$folder" && pwd) || exit 73

# An environment of its own; what the given Python has is found after what is in it, and never changed.
environment() {
    [ -x "$folder/$1/bin/python" ] || "$python" -m venv "$folder/$1" || return
    "$python" - "$folder/$1" <<'PYTHON'
import pathlib, subprocess, sys, sysconfig
own = sysconfig.get_path("purelib")
if sys.prefix != sys.base_prefix:  # an environment itself; what a system's Python has is left alone
    program = pathlib.Path(sys.argv[1]) / "bin" / "python"
    place = subprocess.check_output([program, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True)
    (pathlib.Path(place.strip()) / "shared.pth").write_text(own + "\n")
PYTHON
}
add() { # environment, packages and options of pip
    "$folder/$1/bin/python" -m pip install --quiet --disable-pip-version-check "${@:2}"
}

install_transformers() {
    environment torch || return
    # The CPU build is on an index of its own, where that can be reached; the usual one brings libraries for GPUs.
    "$folder/torch/bin/python" -c 'import torch' 2>/dev/null \
        || add torch torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu \
        || add torch torch==2.13.0 || return
    add torch transformers==5.23.0 qwen-vl-utils==0.0.14 decord==0.6.0 torchvision
}
install_openvino() { # an environment of its own, as its exporter of Qwen2-VL asks for transformers before 5
    environment openvino || return
    "$folder/openvino/bin/python" -c 'import torch' 2>/dev/null \
        || add openvino torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu \
        || add openvino torch==2.13.0 || return
    add openvino optimum-intel==2.2.0 openvino==2026.4.1 nncf==3.4.0 transformers==4.57.6 qwen-vl-utils==0.0.14 \
        decord==0.6.0 torchvision
}
install_llama() {
    environment llama || return
    command -v c++ >/dev/null || { echo "setup.sh: llama.cpp needs a C++ compiler" >&2; return 1; }
    add llama gguf==0.19.0 numpy || return
    # Not from pip's cache: what is there may be compiled for other instructions.
    CMAKE_ARGS="$instructions -DCMAKE_BUILD_TYPE=Release" CMAKE_BUILD_PARALLEL_LEVEL=$jobs \
        nice -n 19 "$folder/llama/bin/python" -m pip install --disable-pip-version-check --quiet --no-cache-dir \
        --no-binary llama-cpp-python llama-cpp-python==0.3.36
}

failed=()
for peer in ${only//,/ }; do
    echo "Installing $peer in $folder" >&2
    "install_$peer" || { failed+=("$peer"); echo "setup.sh: $peer could not be installed" >&2; }
done
[ ${#failed[@]} -eq 0 ]

#!/bin/bash
# Everything about Pipelines, against the real engines: Pipelines/test.sh [arguments of pytest]
#
# Takes 13 minutes on two busy cores; `-k "not killed"` leaves out what is slow.
#
# Makes a Python environment outside of the repository (PIPELINES_VENV, 1.2 GB, a minute or two),
# with Ray and PySpark in it; Spark needs a Java runtime, 17 or later. Stages that are asked to do
# real work are those of .build/release/reelscribe, or of REELSCRIBE; where it is not built, tests
# that need it are skipped, and those with a stage that only speaks the protocol remain.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${PIPELINES_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/reelscribe/pipelines-venv}

command -v java >/dev/null || { echo "no java: apt-get install openjdk-17-jre-headless" >&2; exit 69; }
if ! cmp -s "$here/requirements.txt" "$venv/installed"; then
    "${PYTHON:-python3}" -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/installed"
fi
PATH=$venv/bin:$PATH

# Installed from a copy, as anyone else would get it, so that nothing is built in the repository.
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R "$here/python/reelscribe_stage/." "$copy"
pip install --quiet --disable-pip-version-check --no-deps --force-reinstall "$copy"

cd "$here"
ruff format --check --no-cache .
ruff check --no-cache .
(cd python/reelscribe_stage && mypy --cache-dir "$copy/mypy")
mypy --strict --disable-error-code import-untyped --cache-dir "$copy/mypy" ray/reelscribe_ray.py spark/reelscribe_spark.py testing
PYTHONDONTWRITEBYTECODE=1 pytest --basetemp "$copy/tests" "$@"

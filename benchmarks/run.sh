#!/bin/sh
# Compares the gateway with its peers and writes docs/benchmarks.md. Arguments: benchmarks/run.sh --help
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-$here/../.venv/bin/python}
[ -x "$python" ] || python=$(command -v python3)
exec "$python" "$here" "$@"

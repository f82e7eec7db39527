#!/usr/bin/env bash
# run-tour.sh [--lab] PARLEY VENV: installs the kernel into VENV and runs a copy of examples/tour.ipynb with it:
# headless, its outputs printed; with --lab in JupyterLab.
set -euo pipefail
cd "$(dirname "$0")/.."

lab=
if [ "$1" = --lab ]; then lab=1; shift; fi
parley=$1
venv=$(cd "$2" && pwd)

# As an activated environment would: Parley takes its Python from VIRTUAL_ENV.
export VIRTUAL_ENV=$venv PATH=$venv/bin:$PATH

# The binary goes along, so that the environment does not depend on the build folder.
install -m 755 "$parley" "$venv/bin/parley"
"$parley" install --prefix "$venv"

# The original is never run in place: its outputs would turn up as changes in the working tree.
mkdir -p .cache/tour
copy=.cache/tour/tour.ipynb
if [ -n "$lab" ]; then
    cp examples/tour.ipynb "$copy"
    exec jupyter lab "$copy"
fi

echo "Running examples/tour.ipynb"
parley run examples/tour.ipynb "$copy" --cwd .cache/tour
python scripts/print_notebook.py "$copy"
cat <<TEXT

The tour ran, and its outputs are kept in $copy.
To open it in JupyterLab:

    make lab

(or: . $2/bin/activate && jupyter lab $copy)
TEXT

#!/usr/bin/env bash
# system-packages.sh [--languages] [--frontends]: installs the Debian packages that the build needs, and with the
# options those of the languages that the tests run, and of the browser tests. Does nothing, and asks for no rights,
# when all are there.
set -euo pipefail

wanted=(libzmq3-dev libsodium-dev libbsd-dev libmd-dev libssl-dev libsqlite3-dev libyaml-dev libcurl4 pkg-config perl procps)
# A python3 that can make virtual environments may come from elsewhere than Debian: ask it, not dpkg.
python3 -c 'import venv, ensurepip' 2>/dev/null || wanted+=(python3 python3-venv)
for option in "$@"; do
    case $option in
    --languages)
        wanted+=(nodejs r-base-core r-cran-irkernel ruby lua5.4 liblua5.4-dev gcc libc6-dev tcl tclx8.4 postgresql)
        wanted+=(openjdk-17-jdk-headless octave gnuplot-nox fonts-freefont-otf texinfo slurm-wlm)
        ;;
    --frontends) wanted+=(chromium chromium-driver fonts-dejavu-core) ;;
    *)
        echo "system-packages.sh: unknown option $option" >&2
        exit 64
        ;;
    esac
done

missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "These packages are missing and there is no sudo: ${missing[*]}" >&2; exit 1; }
    root=(sudo)
fi
echo "Installing ${missing[*]}"
"${root[@]}" apt-get update -qq
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"

# Starts the bridge: launch.sh OCTAVE. Octave cannot set close-on-exec on descriptors it did not open, so
# it gets none: a helper holds them until the bridge has opened its own, which it can mark, and ends it.
dir=${0%/*}
[ -n "${LC_ALL-}${LC_CTYPE-}${LANG-}" ] || export LANG=C.UTF-8   # else text beyond ASCII is cut in the middle
sleep 60 &
exec "$1" --no-gui --no-line-editing --no-history --no-window-system --quiet --eval \
    "addpath('$dir/bridge', '-end'); parley_start($!)" 3<&- 4>&-

# Starts the shell that runs the cells: a real interactive bash, which reads its command lines from a
# pipe that it fills itself.
#
# Interactive, because only an interactive bash abandons everything and comes back when it gets a
# SIGINT. Where it comes back to is its standard input, so there must always be one more line to
# read, without a process that writes them. A pipe opened for reading and writing does that: it
# never ends, and it is gone with the shell. bridge.bash keeps it filled.

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
    echo "The Bash bridge needs bash 4.4 or newer; this is $BASH_VERSION ($BASH)." >&2
    exit 78
fi
__parley_dir=${BASH_SOURCE[0]%/*}
[[ $__parley_dir == /* ]] || __parley_dir=$PWD/$__parley_dir

exec 0<> <(:)
wait $!
printf '. %q\n' "$__parley_dir/bridge.bash" >&0

# Descriptor 2 of the shell itself is the null device: prompts, notices about jobs and traces of the
# bridge's own code go nowhere. Cells get the real one, kept on 92.
exec 92>&2 2>/dev/null
exec -a bash "$BASH" --noprofile --norc --noediting -i +m

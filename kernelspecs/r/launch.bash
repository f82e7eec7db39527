# Starts R so that its own prompt runs the cells.
#
# R reads its lines from a pipe to itself: the bridge puts the next line there. See cells.R.

case ${LC_ALL:-${LC_CTYPE:-${LANG-}}} in
    *[Uu][Tt][Ff]-8 | *[Uu][Tt][Ff]8) ;;
    *) export LC_ALL=C.UTF-8 ;;
esac
export PARLEY_R_FOLDER=${BASH_SOURCE[0]%/*}
exec 0<> <(:)
wait "$!"
printf '%s\n' 'sys.source(file.path(Sys.getenv("PARLEY_R_FOLDER"), "bridge.R"), new.env(parent = baseenv()))' >&0
exec "$1" --no-echo --no-save --no-restore --no-readline --interactive

# build.sh source library: compiles the native part of the bridge. Another start may do the same at the
# same time, so the library appears under its name only when it is whole.
source=$1 library=$2
flags=$(pkg-config --cflags lua5.4 2>/dev/null || pkg-config --cflags lua-5.4 2>/dev/null)
umask 077
mkdir -p "${library%/*}" && partial=$(mktemp "$library.XXXXXX") || exit 1
if "${CC:-cc}" -O2 -shared -fPIC $flags -I/usr/include/lua5.4 -I/usr/include -o "$partial" "$source"; then
    mv -f "$partial" "$library"
else
    rm -f "$partial"
    exit 1
fi

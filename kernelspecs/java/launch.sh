# Starts the bridge: launch.sh JAVA. The bridge is Java source; it is compiled once for each JDK and each
# version of the source, into the user's cache folder, together with an archive of the classes that a
# session loads (class data sharing), which halves the time a start takes.
dir=${0%/*}
java=$(readlink -f "$1") || exit 78
home=${java%/bin/java}
sum=$(cat "$dir"/launch.sh "$dir"/Build.java "$dir"/src*/parley/*.java "$dir"/src*/parley/bridge/*.java "$home/release" 2>/dev/null | cksum)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/parley/java/${sum% *}-$(echo "$home" | cksum | cut -d' ' -f1)
jar=$cache/bridge.jar
archive=$cache/bridge.jsa

if ! [ -f "$jar" ]; then
    (umask 077 && mkdir -p "$cache") && "$java" -XX:TieredStopAtLevel=1 "$dir/Build.java" "$dir" "$jar" 1>&2 || {
        status=$?
        echo "The Java bridge could not be compiled with $java into $cache." >&2
        exit $status
    }
    # What other versions left, if nobody has started them for a month.
    find "${cache%/*}" -mindepth 1 -maxdepth 1 ! -path "$cache" -mtime +30 -exec rm -rf {} +
fi

# Little memory for little work: a serial collector, a heap that starts small, no files in /tmp.
set -- "$java" -XX:+UseSerialGC -Xms24m -XX:-UsePerfData -Xshare:auto -Djava.awt.headless=true -Dfile.encoding=UTF-8
grep -q 'JAVA_VERSION="1[789]' "$home/release" && set -- "$@" --add-exports java.base/jdk.internal.org.objectweb.asm=ALL-UNNAMED
if ! [ -f "$archive" ]; then
    find "$cache/training" -maxdepth 0 -mmin +5 -exec rm -rf {} + 2>/dev/null   # left by one that was killed
    mkdir "$cache/training" 2>/dev/null && (
        trap '' INT
        # In the background, for the next start; nothing waits for it. An archive appears whole or not at all.
        nice "$@" -XX:ArchiveClassesAtExit="$cache/training/bridge.jsa" -cp "$jar" parley.bridge.Bridge --train
        mv "$cache/training/bridge.jsa" "$archive"
        rm -rf "$cache/training"
    ) </dev/null >/dev/null 2>&1 3<&- 4>&- 5<&- &
fi
[ -f "$archive" ] && set -- "$@" -XX:SharedArchiveFile="$archive"
exec "$@" ${PARLEY_JAVA_OPTIONS-} -cp "$jar" parley.bridge.Bridge

# What everything that speaks with the server needs: JSON text, frames, the lock, guarded sections.
# Read by the bridge, and by bin/display in programs that a cell starts. The rules at the top of
# bridge.bash hold here as well.

# ---- small things ---------------------------------------------------------------------------------

# The JSON string for a text, quotes included, in __parley_json. bash takes quadratic time to replace
# many small things in a long text, so that is done piece by piece.
__parley_quote() {
    builtin local LC_ALL=C __parley_text="$1" __p_rest __p_at
    if [[ $__parley_text == *[$'\x80'-$'\xff']* ]]; then
        __parley_mend
    fi
    if [[ $__parley_text == *[\"\\$'\x01'-$'\x1f\x7f']* ]]; then
        if ((${#__parley_text} <= 4096)); then
            __parley_escape
        else
            __p_rest=$__parley_text
            __parley_json=
            for ((__p_at = 0; __p_at < ${#__p_rest}; __p_at += 4096)); do
                __parley_text=${__p_rest:__p_at:4096}
                __parley_escape
                __parley_json+=$__parley_text
            done
            __parley_text=$__parley_json
        fi
    fi
    __parley_json=\"$__parley_text\"
}

__parley_escape() {
    builtin local __p_char __p_code __p_escape
    __parley_text=${__parley_text//\\/'\\'}
    __parley_text=${__parley_text//\"/'\"'}
    if [[ $__parley_text == *[$'\x01'-$'\x1f\x7f']* ]]; then
        __parley_text=${__parley_text//$'\n'/'\n'}
        __parley_text=${__parley_text//$'\t'/'\t'}
        __parley_text=${__parley_text//$'\r'/'\r'}
        for ((__p_code = 1; __p_code < 128; __p_code == 31 ? (__p_code = 127) : ++__p_code)); do
            builtin printf -v __p_char '\\x%02x' $__p_code
            builtin printf -v __p_char "$__p_char"
            if [[ $__parley_text == *"$__p_char"* ]]; then
                builtin printf -v __p_escape '\\u%04x' $__p_code
                __parley_text=${__parley_text//"$__p_char"/"$__p_escape"}
            fi
        done
    fi
}

# Drops bytes that are not UTF-8 from __parley_text.
__parley_mend() {
    # Long texts go to iconv unseen: the patterns would take longer.
    if ((${#__parley_text} <= 8192)); then __parley_is_utf8 && builtin return 0; fi
    builtin local __p_out
    __p_out=$(\builtin printf '%s.' "$__parley_text" | \command iconv -c -f UTF-8 -t UTF-8 2>/dev/null)
    if [[ $__p_out == *. ]]; then
        __parley_text=${__p_out%.}
    elif ! __parley_is_utf8; then # no iconv here
        __parley_text=${__parley_text//[$'\x80'-$'\xff']/?}
    fi
}

# Each pattern takes away one kind of valid sequence; high bytes that are left over belong to none.
__parley_is_utf8() {
    builtin local __p_rest="$__parley_text" __p_c=[$'\x80'-$'\xbf']
    __p_rest=${__p_rest//[$'\xc2'-$'\xdf']$__p_c/ }
    __p_rest=${__p_rest//$'\xe0'[$'\xa0'-$'\xbf']$__p_c/ }
    __p_rest=${__p_rest//[$'\xe1'-$'\xec\xee\xef']$__p_c$__p_c/ }
    __p_rest=${__p_rest//$'\xed'[$'\x80'-$'\x9f']$__p_c/ }
    __p_rest=${__p_rest//$'\xf0'[$'\x90'-$'\xbf']$__p_c$__p_c/ }
    __p_rest=${__p_rest//[$'\xf1'-$'\xf3']$__p_c$__p_c$__p_c/ }
    __p_rest=${__p_rest//$'\xf4'[$'\x80'-$'\x8f']$__p_c$__p_c/ }
    [[ $__p_rest != *[$'\x80'-$'\xff']* ]]
}

# Takes a builtin's output without a fork: `builtin trap -p INT >&95; __parley_take`. Only for output
# that is sure to fit into a pipe.
__parley_take() {
    builtin printf '\0' >&95
    __parley_taken=
    IFS= builtin read -r -d '' -t 60 -u 95 __parley_taken
    builtin return 0
}

# ---- frames ---------------------------------------------------------------------------------------
# Subshells, pipelines and background jobs send frames as well, and a frame longer than the pipe's
# atomic size may be cut by another. So there is a lock: the one byte in the pipe on 96. Whoever was
# killed while holding it must not stop the rest, hence the time limit.
#
# A write that a signal interrupts would leave half a frame. So SIGINT is ignored while a short
# frame is written; a long one is left to a child that ignores it, as that may take its time.

__parley_lock() { builtin read -r -N 1 -t 10 -u 96 __parley_token; }
__parley_unlock() { builtin printf x >&96; }

__parley_write() { # text; the lock is held, SIGINT is the bridge's
    builtin local LC_ALL=C
    if ((${#1} <= 4096)); then
        builtin trap '' INT
        builtin printf %s "$1" >&94
        builtin trap __parley_signal INT
    else
        (builtin trap '' INT TERM HUP; command cat <<<"${1%$'\n'}" >&94)
    fi
}

__parley_send() { # head members after "{", content
    __parley_lock
    __parley_write "{$1}"$'\n'"$2"$'\n'
    __parley_unlock
}

# Reads a request into __parley_type, __parley_number and __parley_field. By mapfile: TMOUT does not
# apply to it, and a trap of the user's that runs while it waits may use `read`, which keeps the
# delimiter in a static variable.
__parley_read_field() {
    builtin mapfile -t -d '' -n 1 -u 93 __parley_got
    if ((!${#__parley_got[@]})); then
        builtin exit 0   # the server is gone
    fi
    __parley_value=${__parley_got[0]}
}

# A long value comes with its length, `key:length`, since bash reads a pipe byte by byte in search of
# the NUL: a microsecond each. `head` takes all but the NUL; whatever it did not, mapfile does.
__parley_read_sized() { # length
    builtin local __p_large
    __p_large=$(builtin trap '' INT TERM HUP; \command -p head -c "$1" <&93 2>/dev/null; builtin printf .)
    __parley_read_field
    __parley_value=${__p_large%.}$__parley_value
}

__parley_read() {
    builtin local __p_key
    __parley_field=() __parley_got=()
    __parley_read_field
    __parley_type=$__parley_value
    case $__parley_state in
        idle) __parley_state=reading ;;
        asking) __parley_state=guarded ;;
    esac
    __parley_read_field
    __parley_number=$__parley_value
    while __parley_read_field; [[ -n $__parley_value ]]; do
        if [[ $__parley_value == *=* ]]; then
            __parley_field[${__parley_value%%=*}]=${__parley_value#*=}
        else
            __p_key=${__parley_value%:*}
            __parley_read_sized "${__parley_value##*:}"
            __parley_field[$__p_key]=$__parley_value
        fi
    done
    __parley_got=()
}

# Lets SIGINT happen.
__parley_stop() {
    builtin trap - INT
    builtin kill -INT "$BASHPID"
    builtin :   # bash gives up before the next command, not inside of the last one
}

# SIGINT while the bridge's own code runs. While it waits for a field, __parley_got is empty.
__parley_signal() {
    case $__parley_state in
        idle)
            # What has not arrived cannot have been meant: this one comes too late. So does, most likely, one that
            # follows an interrupt of the last cell.
            if ((${#__parley_got[@]} && !__parley_spent)); then __parley_interrupted=1; fi ;;
        asking)
            # Nobody has answered: stop waiting, as SIGINT would stop any other command. If the
            # answer is just coming in, it is read first, so that the next request is not cut.
            __parley_interrupted=1
            if ((!${#__parley_got[@]})); then __parley_stop; fi ;;
        *)
            __parley_interrupted=1 ;;
    esac
}

# The server sends SIGURG to the shell itself right after SIGINT to all. SIGINT alone may come to
# nothing: bash takes it for handled when the program it waits for does not die of it.
__parley_urgent() {
    [[ $__parley_state == running && $__parley_shell == "$BASHPID" ]] || builtin return 0
    __parley_state=urgent
    __parley_struck=1
    # Without a trap nothing is written: what a SIGINT left in the buffer of stdout would be printed by the cell.
    builtin trap -p INT >&95
    if builtin read -t 0 -u 95; then
        __parley_take
        __parley_struck=0
    fi
    __parley_state=running
    if ((__parley_struck)); then __parley_stop; fi
}

# ---- guarded sections inside a cell ---------------------------------------------------------------
# `display`, `clear_output` and `read` speak with the server while a cell runs. __parley_enter keeps
# the user's trap for SIGINT and puts the bridge's in its place; __parley_leave puts it back, and lets
# a SIGINT that came meanwhile happen. In a subshell, traps are the default again anyway.
# __parley_listen says whether an answer may be waited for.

__parley_enter() {
    __parley_user_int=
    __parley_listen=$__parley_listening
    __parley_state=guarded
    if [[ $__parley_shell == "$BASHPID" ]]; then
        builtin trap -p INT >&95
        __parley_take
        __parley_user_int=$__parley_taken
        __parley_theirs=0
    elif __parley_in_background; then
        __parley_user_int='builtin trap "" INT'
        __parley_listen=0
    fi
    __parley_interrupted=0
    builtin trap __parley_signal INT
    __parley_lock
}

__parley_leave() {
    __parley_unlock
    __parley_state=running
    __parley_theirs=1
    builtin trap - INT
    [[ -n $__parley_user_int ]] && builtin eval "$__parley_user_int"
    if ((__parley_interrupted)); then
        __parley_interrupted=0
        builtin kill -INT "$BASHPID"
    fi
    builtin return 0
}

# Answers may be read by whoever the shell is waiting for, and a background job is not. It shows by
# bash letting it ignore SIGINT.
__parley_in_background() {
    builtin local __p_key __p_value
    while IFS=$' \t\n' builtin read -r -u 9 __p_key __p_value; do
        if [[ $__p_key == SigIgn: ]]; then
            builtin return $((!(16#$__p_value & 2)))
        fi
    done 9</proc/$BASHPID/status
}

# The Bash bridge: docs/bridge-protocol.md, spoken by the very shell that runs the cells.
#
# How a cell runs. Before it reads a line, an interactive bash runs PROMPT_COMMAND, and that is where
# the bridge lives: `__parley_next` reads requests and answers them until there is a cell, the cell is
# evaluated right there at top level, `__parley_finish` sends the reply. The lines bash reads in
# between all say `__parley_resume`, which has nothing to do, unless the cell did not come to its end:
# then bash has dropped everything, reads that line, and the reply is sent from there.
#
# Rules for this file. It runs inside the user's shell, under whatever options, functions, aliases,
# traps and locale the user has set. So: `builtin` before every builtin that a function could hide;
# options set by `local -` and __PARLEY_PLAIN; names begin with __parley_; text is handled in the C
# locale where that matters (bash is quadratic in others).

exec 2>&92
__parley_dir=${BASH_SOURCE[0]%/*}

# ---- descriptors ----------------------------------------------------------------------------------
# 90 the cell's standard input   91, 92 its output   93 requests   94 events
# 95 a pipe to itself, to take the output of a builtin without a fork   96 the same, as a lock
#
# All of them must be close-on-exec, which bash has no command for. But the copy it keeps of a
# descriptor that is redirected for one command is, and a copy of that copy is too.

__parley_keep() { # number, redirection that makes it
    local probe
    exec {probe}</dev/null
    exec {probe}<&-   # this number is free, so the kept copy gets it
    eval "exec 3$2; { exec $1<&$probe; } 3</dev/null; exec 3<&-"
}

exec 97<&3 98>&4 3<&- 4>&-
__parley_keep 93 '<&97'; exec 97<&-
__parley_keep 94 '>&98'; exec 98>&-
__parley_keep 91 '>&1'
__parley_keep 92 '>&92'
__parley_keep 95 '<> <(:)'
builtin wait "$!"
__parley_keep 96 '<> <(:)'
builtin wait "$!"
# Read-write, where a `</dev/null` in a cell is read-only: that is how `read` tells them apart.
__parley_keep 90 '<>/dev/null'
builtin printf x >&96

# ---- locale ---------------------------------------------------------------------------------------

if [[ -z ${LC_ALL-}${LC_CTYPE-}${LANG-} ]]; then
    export LANG=C.UTF-8
fi
# The locale in which characters are code points.
case ${LC_ALL:-${LC_CTYPE:-${LANG-}}} in
    *[Uu][Tt][Ff]-8 | *[Uu][Tt][Ff]8) __parley_utf8=${LC_ALL:-${LC_CTYPE:-$LANG}} ;;
    *) __parley_utf8=C.UTF-8 ;;
esac

# ---- state ----------------------------------------------------------------------------------------

__PARLEY_PLAIN='+efkuvxETC'
__parley_shell=$$
__parley_state=idle       # idle, reading, checking, running, guarded, asking
__parley_interrupted=0    # a SIGINT that came while it could not be acted on
__parley_struck=0         # SIGURG has told that the running cell is meant by an interrupt
__parley_id=0             # of the execute request
__parley_last=0           # exit status of the last cell
__parley_listening=0      # a cell runs, so answers may be waited for
__parley_theirs=0         # the trap for SIGINT is the user's at the moment
__parley_user_int=        # the user's own trap for SIGINT, as `trap -p` says it
__parley_refusal=()       # why `read` could not ask
__parley_user_prompt=()   # and what the user's cells have set these to
__parley_user_prompt_is=
__parley_user_ps=("" '\s-\v\$ ' '> ')
declare -A __parley_field

builtin . "$__parley_dir/frames.bash"

# Without a limit, endless recursion ends the shell; with it, the cell. Some 5000 calls fit on its stack.
: "${FUNCNEST:=2000}"

# ---- from request to request ----------------------------------------------------------------------

__parley_error() { # ename, evalue, traceback line...
    builtin local __p_ename __p_evalue __p_lines= __p_line
    __parley_quote "$1"; __p_ename=$__parley_json
    __parley_quote "$2"; __p_evalue=$__parley_json
    builtin shift 2
    for __p_line; do
        __parley_quote "$__p_line"
        __p_lines+=${__p_lines:+,}$__parley_json
    done
    __parley_send "\"msg_type\":\"error\",\"id\":$__parley_id" \
        "{\"ename\":$__p_ename,\"evalue\":$__p_evalue,\"traceback\":[$__p_lines]}"
    __parley_reply=',"ename":'$__p_ename',"evalue":'$__p_evalue',"traceback":['$__p_lines']'
}

__parley_reply_error() {
    __parley_error "$@"
    __parley_state=idle
    __parley_send "\"msg_type\":\"execute_reply\",\"id\":$__parley_id" "{\"status\":\"error\"$__parley_reply}"
}

# What the user's cells have made of the prompt is kept for the next cell, and out of the way of ours.
__parley_hide_user() {
    __parley_user_ps=("${PS0-}" "${PS1-}" "${PS2-}")
    __parley_user_prompt=("${PROMPT_COMMAND[@]}")
    __parley_user_prompt_is=${PROMPT_COMMAND@a}
    PS0= PS1=$__parley_ps1 PS2=
    builtin unset -v PROMPT_COMMAND
    PROMPT_COMMAND=$__parley_prompt
}

__parley_show_user() {
    PS0=${__parley_user_ps[0]} PS1=${__parley_user_ps[1]} PS2=${__parley_user_ps[2]}
    [[ -n $PS0 ]] || builtin unset -v PS0
    builtin unset -v PROMPT_COMMAND
    if [[ $__parley_user_prompt_is == *a* ]]; then
        PROMPT_COMMAND=("${__parley_user_prompt[@]}")
    elif [[ -n ${__parley_user_prompt-} ]]; then
        PROMPT_COMMAND=$__parley_user_prompt
    fi
}

# Takes over SIGINT from the cell.
__parley_guard() {
    __parley_state=finishing
    if ((__parley_theirs)); then
        builtin trap -p INT >&95
        __parley_take
        __parley_user_int=$__parley_taken
        __parley_theirs=0
    fi
    builtin trap __parley_signal INT
}

# Is the code correct? The whole cell is looked at before any of it runs. Defining a function with the
# cell as its body is a check without a fork; the word that ends the body must not occur in the code.
# Where that does not work out, or finds fault, `bash -n` has the last word, and the message.
__parley_check() { # code; the message lines in __parley_faults
    builtin local __p_open __p_close
    __parley_faults=()
    case $1 in
        *'}'*)
            case $1 in
                *fi*)
                    case $1 in
                        *done*) __p_open= ;;
                        *) __p_open='while :; do :' __p_close='done' ;;
                    esac ;;
                *) __p_open='if :; then :' __p_close='fi' ;;
            esac ;;
        *) __p_open='{ :' __p_close='}' ;;
    esac
    if [[ -n $__p_open ]] && builtin eval "__parley_syntax() $__p_open"$'\n'"$1"$'\n'"$__p_close" 2>/dev/null; then
        builtin unset -f __parley_syntax
        builtin return 0
    fi
    __parley_noexec "$1"
}

__parley_noexec() {
    builtin local __p_extglob=+O __p_message __p_line
    if builtin shopt -q extglob || [[ $1 == *extglob* ]]; then __p_extglob=-O; fi
    # LANGUAGE: is_complete_request understands the messages.
    __p_message=$(LC_ALL=$__parley_utf8 LANGUAGE=C BASH_ENV= ENV= \command "$BASH" --norc $__p_extglob extglob -n \
        <<<"$1" 2>&1 >/dev/null)
    builtin local __p_status="$?"
    __parley_warned=$__p_message
    if ((__p_status == 0)); then builtin return 0; fi
    builtin mapfile -t __parley_faults <<<"$__p_message"
    for __p_line in "${!__parley_faults[@]}"; do
        __parley_faults[__p_line]=${__parley_faults[__p_line]#*: }
    done
    builtin return 1
}

# Reads and answers requests until a cell is to be run, which is left in __parley_code. The status it
# returns is that of the last cell, so that the cell finds it in $?.
__parley_next() {
    builtin local - IFS=$' \t\n'
    builtin set $__PARLEY_PLAIN
    while :; do
        __parley_state=idle
        __parley_read
        __parley_kind=${__parley_type%_request}
        case $__parley_type in
            execute_request)
                __parley_id=$__parley_number
                __parley_code=${__parley_field[code]-}
                # Written on Windows: bash would take each \r for a part of the line.
                [[ ${__parley_code//$'\r\n'/} != *$'\n'* ]] && __parley_code=${__parley_code//$'\r\n'/$'\n'}
                __parley_silent=${__parley_field[silent]-false}
                __parley_expressions=${__parley_field[user_expressions]-}
                __parley_state=checking
                if ! __parley_check "$__parley_code"; then
                    __parley_last=2
                    __parley_reply_error SyntaxError "${__parley_faults[0]}" "${__parley_faults[@]}"
                    __parley_interrupted=0
                    continue
                fi
                builtin printf '{ __parley_resume;}>/dev/null\n' >&0
                __parley_show_user
                __parley_listening=1
                __parley_struck=0
                __parley_state=running
                __parley_theirs=1
                builtin trap - INT
                [[ -n $__parley_user_int ]] && builtin eval "$__parley_user_int"
                if ((__parley_interrupted)); then
                    __parley_interrupted=0
                    builtin kill -INT $$
                fi
                builtin return "$__parley_last" ;;
            complete_request | inspect_request | is_complete_request)
                __parley_answer=$(\builtin . "$__parley_dir/questions.bash" </dev/null 2>/dev/null)
                __parley_answer=${__parley_answer##*$'\n'}
                if [[ $__parley_answer != {*} ]]; then
                    case $__parley_kind in
                        complete) __parley_answer='{"status":"ok","matches":[],"cursor_start":'${__parley_field[cursor_pos]:-0}',"cursor_end":'${__parley_field[cursor_pos]:-0}',"metadata":{}}' ;;
                        inspect) __parley_answer='{"status":"ok","found":false,"data":{},"metadata":{}}' ;;
                        is_complete) __parley_answer='{"status":"unknown"}' ;;
                    esac
                fi
                __parley_send "\"msg_type\":\"${__parley_kind}_reply\",\"id\":$__parley_number" "$__parley_answer"
                __parley_interrupted=0 ;;
            shutdown_request)
                builtin exit 0 ;;
        esac   # anything else is an answer that came too late
    done
}

__parley_finish() { # exit status of the cell
    builtin local - IFS=$' \t\n'
    builtin set $__PARLEY_PLAIN
    __parley_guard
    __parley_listening=0
    __parley_last=$1
    __parley_hide_user
    builtin local __p_text=
    if (($1)); then
        __p_text="exit status $1"
        if (($1 > 128 && $1 < 193)) && builtin kill -l $(($1 - 128)) >&95 2>/dev/null; then
            __parley_take
            __p_text+=" (SIG${__parley_taken%$'\n'})"
        fi
        if [[ ${PARLEY_STRICT-${PARLEY_BASH_STRICT-}} == [1-9yt]* ]]; then
            __parley_reply_error ExitStatus "$1" "$__p_text"
            __parley_interrupted=0
            builtin return 0
        elif [[ $__parley_silent != true ]]; then
            __parley_send "\"msg_type\":\"stream\",\"id\":$__parley_id" \
                "{\"name\":\"stderr\",\"text\":\"[$__p_text]\\n\"}"
        fi
    fi
    __p_text=
    if [[ -n $__parley_expressions && $__parley_expressions != '{}' ]]; then
        __p_text=$(__parley_kind=expressions; \builtin . "$__parley_dir/questions.bash" </dev/null 2>/dev/null)
        __p_text=${__p_text##*$'\n'}
        [[ $__p_text == {*} ]] && __p_text=",\"user_expressions\":$__p_text" || __p_text=
    fi
    __parley_state=idle
    __parley_interrupted=0
    __parley_send "\"msg_type\":\"execute_reply\",\"id\":$__parley_id" "{\"status\":\"ok\"$__p_text}"
}

# What every line of the shell's input says. It only has something to do when a cell was abandoned.
__parley_resume() {
    __parley_status=$?
    if [[ $__parley_shell != "$BASHPID" ]]; then
        # A subshell that has just been forked, and which SIGINT has thrown back to where its parent
        # reads its lines. It puts back the 1024 bytes it has taken.
        builtin printf '{ __parley_resume;}>/dev/null\n%.0s' {1..34} >&0
        builtin exit 130
    fi
    if [[ $__parley_state == idle ]]; then
        [[ ${PROMPT_COMMAND-} == "$__parley_prompt" ]] || PROMPT_COMMAND=$__parley_prompt
        builtin return 0
    fi
    builtin local - IFS=$' \t\n'
    builtin set $__PARLEY_PLAIN
    if [[ $__parley_state == checking ]]; then
        # bash gives up differently on some faults inside $( ); see what it was.
        __parley_guard
        __parley_last=2
        __parley_noexec "$__parley_code" || :
        __parley_reply_error SyntaxError "${__parley_faults[0]-syntax error}" "${__parley_faults[@]}"
        builtin return 0
    fi
    if ((__parley_theirs)); then
        # What was left in the pipe. Nothing is printed for that: another SIGINT would leave it in the buffer of stdout.
        while builtin read -t 0 -u 95; do builtin read -r -t 0.01 -N 65536 -u 95 __parley_taken; done
    fi
    __parley_guard
    __parley_last=$__parley_status
    __parley_listening=0
    __parley_hide_user
    # One more line before the next request: the prompt in between starts the line count again.
    PROMPT_COMMAND=
    builtin printf '{ __parley_resume;}>/dev/null\n' >&0
    if ((${#__parley_refusal[@]})); then
        __parley_reply_error "${__parley_refusal[@]}" "${__parley_refusal[0]}: ${__parley_refusal[1]}"
        __parley_refusal=()
    elif ((__parley_status > 128 || __parley_struck)); then
        # 130, or the status of a program that the interrupt has ended. What else abandons a cell has a small one.
        __parley_last=130
        __parley_reply_error KeyboardInterrupt "" KeyboardInterrupt
    else
        __parley_reply_error Abandoned "exit status $__parley_status" \
            "The rest of the cell was not run (exit status $__parley_status)."
    fi
    __parley_interrupted=0
}

# `if` hands the status on to the cell without setting off ERR or `set -e`. Outside the cell, standard
# output is the null device too: a DEBUG trap that prints does so for the bridge's commands as well.
__parley_prompt='{ if __parley_next; then \builtin eval "$__parley_code" <&90 >&91 2>&92; '
__parley_prompt+='else \builtin eval "$__parley_code" <&90 >&91 2>&92; fi; __parley_finish $?; } >/dev/null'
# The expansion of the prompt is the one place where an assignment to LINENO stays. The prompt's
# command has the number of the line read after it, and a cell counts on from that.
__parley_ps1='$((LINENO=0))'

builtin . "$__parley_dir/display.bash"

builtin set +o history +o histexpand +o monitor
builtin unset -f __parley_keep
builtin unset -v HISTFILE
PS0= PS1=$__parley_ps1 PS2=
PROMPT_COMMAND=$__parley_prompt
builtin printf -v __parley_taken '{ __parley_resume;}>/dev/null\n%.0s' {1..1000}
builtin printf %s "$__parley_taken" >&0
builtin trap __parley_signal INT
builtin trap __parley_urgent URG
__parley_quote "GNU bash $BASH_VERSION"
__parley_send '"msg_type":"kernel_info_reply","id":0' '{"bridge_protocol":1,"language_info":{"name":"bash","version":"'"${BASH_VERSION%%[^0-9.]*}"'","mimetype":"text/x-sh","file_extension":".sh","codemirror_mode":"shell","pygments_lexer":"bash","nbconvert_exporter":"script"},"banner":'"$__parley_json"',"capabilities":["complete","inspect","is_complete"]}'
# For the display command in programs that a cell starts.
export PARLEY_DISPLAY=$__parley_dir/bin/display PARLEY_BASH_PID=$$
exec 2>/dev/null

# Commands for cells: `display`, `clear_output`, and a `read` that asks the user.

# Shows something in the notebook; `display --help` says how.
display() {
    { builtin local - IFS=$' \t\n'; builtin set $__PARLEY_PLAIN; } 2>/dev/null
    builtin local __parley_mime= __parley_text= __parley_inline=0 __parley_kind=display_data
    builtin local __parley_transient= __parley_meta= __parley_plain= __parley_status=0 __parley_arg
    builtin local -a __parley_files
    while (($#)); do
        __parley_arg=$1
        builtin shift
        case $__parley_arg in
            --html | --markdown | --latex | --svg | --json | --text | --javascript)
                __parley_mime=$(__parley_mime_of "x.${__parley_arg#--}")
                if ((!$#)); then builtin set -- -; fi
                if [[ $1 == - ]]; then
                    __parley_files+=(-)
                else
                    __parley_inline=1 __parley_text=$1
                fi
                builtin shift ;;
            --mime | --plain | --id | --update | --width | --height)
                if ((!$#)); then
                    builtin printf 'display: %s needs a value\n' "$__parley_arg" >&2
                    builtin return 2
                fi
                case $__parley_arg in
                    --mime) __parley_mime=$1 ;;
                    --plain) __parley_plain=$1 ;;
                    --width | --height)
                        if [[ -z $1 || $1 == *[!0-9]* ]]; then
                            builtin printf 'display: not a number of pixels: %s\n' "$1" >&2
                            builtin return 2
                        fi
                        __parley_meta+=${__parley_meta:+,}\"${__parley_arg#--}\":$((10#$1)) ;;
                    *)
                        [[ $__parley_arg == --update ]] && __parley_kind=update_display_data
                        __parley_quote "$1"
                        __parley_transient=\"display_id\":$__parley_json ;;
                esac
                builtin shift ;;
            --help)
                __parley_display_help
                builtin return 0 ;;
            --)
                __parley_files+=("$@")
                builtin set -- ;;
            -?*)
                builtin printf 'display: unknown option: %s\n' "$__parley_arg" >&2
                builtin return 2 ;;
            *)
                __parley_files+=("$__parley_arg") ;;
        esac
    done
    if ((__parley_inline)); then
        __parley_show "$__parley_mime" text "$__parley_text" || __parley_status=1
    elif ((!${#__parley_files[@]})); then
        __parley_files=(-)
    fi
    for __parley_arg in "${__parley_files[@]}"; do
        __parley_show_file "$__parley_arg" || __parley_status=1
    done
    builtin return $__parley_status
}

# Clears the cell's output: now, or with --wait when there is something new to show.
clear_output() {
    { builtin local - IFS=$' \t\n'; builtin set $__PARLEY_PLAIN; } 2>/dev/null
    builtin local __p_wait=false
    [[ ${1-} == --wait || ${1-} == -w ]] && __p_wait=true
    __parley_publish clear_output "{\"wait\":$__p_wait}"
}

__parley_display_help() {
    builtin printf '%s\n' 'display FILE...                     show files: png, jpeg, gif, svg, html, md, json, tex, pdf, text' \
        'display --html TEXT                 likewise --markdown, --latex, --svg, --json, --text, --javascript' \
        'command | display --mime TYPE       show what a command prints' \
        'display --mime TYPE FILE            show a file as that type' \
        '  --id NAME         give the output a name' \
        '  --update NAME     replace every output of that name' \
        '  --width N, --height N   in pixels, for images' \
        '  --plain TEXT      for front ends that can show text only' \
        'clear_output [--wait]' \
        '' \
        'Programs that a cell starts use "$PARLEY_DISPLAY" with the same arguments.'
}

__parley_mime_of() { # file name
    case ${1,,} in
        *.png) builtin printf image/png ;;
        *.jpg | *.jpeg) builtin printf image/jpeg ;;
        *.gif) builtin printf image/gif ;;
        *.webp) builtin printf image/webp ;;
        *.pdf) builtin printf application/pdf ;;
        *.svg) builtin printf image/svg+xml ;;
        *.html | *.htm) builtin printf text/html ;;
        *.md | *.markdown) builtin printf text/markdown ;;
        *.tex | *.latex) builtin printf text/latex ;;
        *.js | *.javascript) builtin printf application/javascript ;;
        *.json | *.ipynb) builtin printf application/json ;;
        *.geojson) builtin printf application/geo+json ;;
        *.vl.json) builtin printf application/vnd.vegalite.v5+json ;;
        *.txt | *.text | *.log | *.csv | *.tsv) builtin printf text/plain ;;
    esac
}

__parley_mime_in() { # file: by its first bytes
    builtin local LC_ALL=C __p_start=
    IFS= builtin read -r -d '' -N 512 __p_start <"$1" 2>/dev/null
    case $__p_start in
        $'\x89PNG'*) builtin printf image/png ;;
        $'\xff\xd8\xff'*) builtin printf image/jpeg ;;
        GIF8*) builtin printf image/gif ;;
        RIFF*) builtin printf image/webp ;;
        %PDF*) builtin printf application/pdf ;;
        *'<svg'*) builtin printf image/svg+xml ;;
        *)
            __p_start=${__p_start#"${__p_start%%[![:space:]]*}"}
            case $__p_start in
                '<'*) builtin printf text/html ;;
                [{[]*) builtin printf application/json ;;
                *) builtin printf text/plain ;;
            esac ;;
    esac
}

__parley_show_file() { # file or -
    builtin local __p_file="$1" __p_spool= __p_name="$1" __p_mime="$__parley_mime" __p_how __p_text= __p_part=
    if [[ $__p_file == - ]]; then
        # To a file first: its type shows in its bytes, and nobody waits while it is produced.
        __p_spool=$(\command mktemp) || \builtin return 1
        command cat >"$__p_spool"
        __p_file=$__p_spool __p_name=
    elif [[ ! -f $__p_file || ! -r $__p_file ]]; then
        builtin printf 'display: cannot read %s\n' "$__p_file" >&2
        builtin return 1
    fi
    [[ -n $__p_mime ]] || __p_mime=$(__parley_mime_of "$__p_name")
    [[ -n $__p_mime ]] || __p_mime=$(__parley_mime_in "$__p_file")
    case $__p_mime in
        image/svg+xml | text/* | application/javascript | application/json | *+json | *+xml)
            while IFS= builtin read -r -d '' __p_part; do __p_text+=$__p_part; done <"$__p_file"
            __p_text+=$__p_part
            __parley_show "$__p_mime" text "$__p_text" "$__p_name" ;;
        *)
            __parley_show "$__p_mime" file "$__p_file" "$__p_name" ;;
    esac
    __p_how=$?
    [[ -n $__p_spool ]] && command rm -f -- "$__p_spool"
    builtin return $__p_how
}

__parley_show() { # type, "text" or "file", what, name
    builtin local __p_key __p_plain __p_value=
    __parley_quote "$1"
    __p_key=$__parley_json
    __p_plain=${__parley_plain:-${4-}}
    if [[ $2 == text ]]; then
        case $1 in
            application/json | *+json)
                if ! __parley_check_json "$3"; then
                    builtin printf 'display: this is not valid JSON\n' >&2
                    builtin return 1
                fi
                __p_value=$__parley_json ;;
            *)
                __parley_quote "$3"
                __p_value=$__parley_json ;;
        esac
        : "${__p_plain:=$3}"
    fi
    if [[ $1 != text/plain && -n $__p_plain ]]; then
        __parley_quote "$__p_plain"
        __p_plain=",\"text/plain\":$__parley_json"
    else
        __p_plain=
    fi
    __p_plain+="},\"metadata\":{${__parley_meta:+$__p_key:{$__parley_meta\}}},\"transient\":{$__parley_transient}}"
    if [[ $2 == text ]]; then
        __parley_publish "$__parley_kind" "{\"data\":{$__p_key:$__p_value$__p_plain"
    else
        __parley_publish "$__parley_kind" "{\"data\":{$__p_key:\"" "$3" "\"$__p_plain"
    fi
}

# One line of valid JSON in __parley_json, or failure. Strings become \1, other literals \2, and what
# they make up is reduced until one value is left.
__parley_check_json() {
    builtin local LC_ALL=C __parley_text="$1" __p_rest __p_S=$'\x01' __p_V=$'\x02'
    [[ $__parley_text == *[$'\x80'-$'\xff']* ]] && __parley_mend
    __parley_json=${__parley_text//[$'\n\r\t']/ }
    [[ $__parley_json == *[$'\x01'-$'\x1f']* ]] && builtin return 1
    __p_rest=$(\command sed -E -e 's/"([^"\\]|\\["\\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/'$__p_S/g \
        -e 's/-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?|true|false|null/'$__p_V/g -e 's/ //g' -e :a \
        -e "s/\[([$__p_S$__p_V](,[$__p_S$__p_V])*)?\]/$__p_V/g" -e "s/\{($__p_S:[$__p_S$__p_V](,$__p_S:[$__p_S$__p_V])*)?\}/$__p_V/g" -e ta <<<"$__parley_json")
    [[ $__p_rest == [$__p_S$__p_V] ]]
}

# Sends an output frame and waits until the server has it. With a file, the content is the text before,
# the file in base64, the text after.
__parley_publish() { # type, content [, file, rest of the content]
    builtin local __p_seq= __p_head
    __parley_enter
    if ((__parley_listen)); then
        __p_seq=$((BASHPID * 100000 + ++__parley_seq % 100000))
    fi
    __p_head="{\"msg_type\":\"$1\"${__parley_id:+,\"id\":$__parley_id}${__p_seq:+,\"ack\":true,\"seq\":$__p_seq}}"
    if (($# > 2)); then
        (
            builtin trap '' INT TERM HUP
            builtin printf '%s\n%s' "$__p_head" "$2"
            command base64 <"$3" | command tr -d '\n'
            builtin printf '%s\n' "$4"
        ) >&94
    else
        __parley_write "$__p_head"$'\n'"$2"$'\n'
    fi
    if [[ -n $__p_seq ]]; then
        while __parley_read; [[ $__parley_type != ack || ${__parley_field[seq]-} != "$__p_seq" ]]; do :; done
    fi
    __parley_leave
}

# `read` from a cell's standard input asks the user. Any other input is read as ever.
read() {
    if [[ /dev/fd/0 -ef /dev/null ]]; then
        { builtin local -; builtin set +x; } 2>/dev/null
        if __parley_wants_user "$@"; then
            __parley_ask "$@"
            builtin return
        fi
    fi
    builtin read "$@"
}

# Is descriptor 0 the cell's own null device, which is open for writing too, and not some other?
__parley_wants_user() {
    builtin local __parley_key __parley_flags=2 __parley_arg
    ((__parley_listening)) || builtin return 1
    for __parley_arg; do
        case $__parley_arg in -u* | -t0 | 0) builtin return 1 ;; esac
    done
    if [[ -r /proc/$BASHPID/fdinfo/0 ]]; then
        while IFS=$' \t\n' builtin read -r -u 9 __parley_key __parley_flags; do
            [[ $__parley_key == flags: ]] && break
        done 9</proc/$BASHPID/fdinfo/0
    fi
    [[ $__parley_flags == *2 ]]
}

__parley_ask() {
    builtin local __parley_prompt_text= __parley_hidden=false __parley_said= __parley_option
    builtin local OPTIND=1 OPTARG= OPTERR=1
    builtin local -a __parley_args
    # The options that are about a terminal are ours; the others, and the names, go to `read`.
    while builtin getopts :a:d:ei:n:N:p:rst: __parley_option; do
        case $__parley_option in
            p) __parley_prompt_text=$OPTARG ;;
            s) __parley_hidden=true ;;
            e | i | t) ;;
            a | d | n | N) __parley_args+=("-$__parley_option" "$OPTARG") ;;
            r) __parley_args+=(-r) ;;
            *)
                builtin read "$@" </dev/null
                builtin return ;;
        esac
    done
    builtin shift $((OPTIND - 1))
    if __parley_question; then
        builtin read "${__parley_args[@]}" "$@" <<<"$__parley_said"
    else
        builtin read "${__parley_args[@]}" "$@" </dev/null # as at the end of a file
    fi
}

__parley_question() {
    builtin local __p_number __p_prompt __p_status=1
    __parley_enter
    if ((__parley_listen)); then
        __p_number=$((BASHPID * 100000 + ++__parley_seq % 100000))
        __parley_quote "$__parley_prompt_text"
        __parley_write '{"msg_type":"input_request","id":'"$__p_number"$'}\n{"prompt":'"$__parley_json"',"password":'"$__parley_hidden"$'}\n'
        __parley_unlock
        while
            __parley_state=asking
            ((!__parley_interrupted)) || __parley_stop # it came just before
            __parley_read
            [[ $__parley_type != input_reply || $__parley_number != "$__p_number" ]]
        do :; done
        __parley_state=guarded
        __parley_lock
        case ${__parley_field[status]-} in
            ok)
                __parley_said=${__parley_field[value]-}
                __p_status=0 ;;
            error)
                __parley_refusal=("${__parley_field[ename]:-StdinNotImplementedError}" "${__parley_field[evalue]-}") ;;
        esac
    fi
    __parley_leave
    if ((${#__parley_refusal[@]})); then
        if [[ $__parley_shell == "$BASHPID" ]]; then
            # Going on without what was asked for would be worse than not going on.
            __parley_state=guarded __parley_theirs=0
            __parley_stop
        fi
        builtin printf 'bash: read: %s\n' "${__parley_refusal[1]}" >&2
        __parley_refusal=()
    fi
    builtin return $__p_status
}

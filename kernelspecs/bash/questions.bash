# Answers to complete_request, inspect_request, is_complete_request, and user expressions. Read by a
# subshell of the shell that runs the cells: it knows everything that shell knows, and nothing it does
# stays. What it prints last is the content of the reply.

\builtin set $__PARLEY_PLAIN
\builtin shopt -u expand_aliases nocasematch nocaseglob failglob nullglob
builtin trap - DEBUG ERR RETURN EXIT
builtin shopt -s extglob
unset -f builtin printf read local declare compgen complete type kill set shopt eval mapfile
LC_ALL=$__parley_utf8
IFS=$' \t\n'

# ---- taking a command line apart ------------------------------------------------------------------
# Leaves the words of the command before the cursor in `words`, what has been typed of the last one
# in `current` (as typed), its quote in `quote`, and in `place` what it is: command, argument or file.

take_apart() { # text up to the cursor
    local text=$1 i char stack= saved
    # The last line, and those it continues.
    local line=${text##*$'\n'} rest=${text%"${text##*$'\n'}"}
    while [[ $rest == *\\$'\n' ]]; do
        rest=${rest%$'\n'}
        line=${rest##*$'\n'}$'\n'$line
        rest=${rest%"${rest##*$'\n'}"}
    done
    line=${line//$'\\\n'/  }
    ((${#line} > 4000)) && line=${line: -4000}
    words=() current= quote= place=command
    for ((i = 0; i < ${#line}; i++)); do
        char=${line:i:1}
        if [[ $quote == \' ]]; then
            current+=$char
            [[ $char == \' ]] && quote=
        elif [[ $char == \\ ]]; then
            current+=${line:i:2}
            i=$((i + 1))
        elif [[ $char == '$' && ${line:i+1:1} == '(' ]]; then
            # A command inside: start anew. What is around it does not matter for completing.
            stack=$quote$stack
            i=$((i + 1))
            words=() current= quote= place=command
        elif [[ $quote == \" ]]; then
            current+=$char
            [[ $char == \" ]] && quote=
        else
            case $char in
                \' | \")
                    quote=$char
                    current+=$char ;;
                [[:space:]])
                    end_of_word ;;
                '#')
                    if [[ -n $current ]]; then
                        current+=$char
                    else
                        place=comment
                        return
                    fi ;;
                [\<\>])
                    end_of_word
                    [[ ${line:i+1:1} == [\>\&\<\|] ]] && i=$((i + 1))
                    place=file-${place%%-*} ;;
                [\;\&\|\`\(\)\{])
                    if [[ $char == '{' && -n $current ]]; then
                        current+=$char
                    else
                        words=() current= place=command
                    fi ;;
                *)
                    current+=$char ;;
            esac
        fi
    done
}

end_of_word() {
    [[ -n $current ]] || return 0
    case $place in
        file-*)
            place=${place#file-} ;;
        command)
            case $current in
                [A-Za-z_]*([A-Za-z0-9_])?(+)=*) ;;
                if | then | elif | else | do | while | until | ! | time | '{' | exec | command | builtin | \
                    sudo | nohup | env | xargs | nice | -*) ;;
                *)
                    words+=("$current")
                    place=argument ;;
            esac ;;
        *)
            words+=("$current") ;;
    esac
    current=
}

unquote() { # a word as typed; in $value
    local word=$1 i char q=
    value=
    for ((i = 0; i < ${#word}; i++)); do
        char=${word:i:1}
        if [[ $q == \' ]]; then
            if [[ $char == \' ]]; then q=; else value+=$char; fi
        elif [[ $char == \\ ]]; then
            i=$((i + 1))
            [[ $q == \" && ${word:i:1} != [\"\\\$\`] ]] && value+=\\
            value+=${word:i:1}
        elif [[ $q == \" ]]; then
            if [[ $char == \" ]]; then q=; else value+=$char; fi
        elif [[ $char == [\'\"] ]]; then
            q=$char
        else
            value+=$char
        fi
    done
}

# ---- completion -----------------------------------------------------------------------------------

matches=() types=()
declare -A known=()

add() { # type, match...
    local type=$1 match
    shift
    for match; do
        if [[ -n $match && -z ${known[$match]-} && $match != *__parley* && $match != __PARLEY* ]]; then
            known[$match]=1
            matches+=("$match")
            types+=("$type")
        fi
    done
}

generate() { # type, arguments of compgen...
    local type=$1 found
    shift
    mapfile -t found < <(compgen "$@" -- "$value")
    add "$type" "${found[@]}"
}

files() { # "directories", "programs" or nothing
    local found name shown
    if [[ $1 == directories ]]; then
        mapfile -t found < <(compgen -d -- "$value")
    else
        mapfile -t found < <(compgen -f -- "$value")
    fi
    for name in "${found[@]}"; do
        # As a shell does it: hidden files only when asked for.
        [[ ${name##*/} == .* && ${value##*/} != .* ]] && continue
        local real=$name type=path tail=
        [[ $name == '~'* ]] && real=${name/#'~'/"$HOME"}
        if [[ -d $real ]]; then
            type=directory tail=/
        elif [[ $1 == programs && ! -x $real ]]; then
            continue
        fi
        case $quote in
            \") shown=\"$(printf '%s' "$name" | command sed 's/[\\"$`]/\\&/g')$tail ;;
            \') shown="'${name//\'/"'\\''"}$tail" ;;
            *)
                if [[ $name == '~'* ]]; then
                    printf -v shown '%q' "${name#'~'}"
                    [[ $name == '~' ]] && shown=
                    shown="~$shown$tail"
                else
                    printf -v shown '%q' "$name"
                    shown+=$tail
                fi ;;
        esac
        [[ -n $quote && -z $tail ]] && shown+=$quote
        add "$type" "$shown"
    done
}

# Completions the user has defined by `complete`, or else the ones of the bash-completion project,
# loaded for this request only.
programmed() {
    local command=${words[0]##*/} spec= part function= options=() dir
    [[ -n $command ]] || return 1
    spec=$(complete -p -- "$command" 2>/dev/null)
    if [[ -z $spec ]]; then
        local folders=("${BASH_COMPLETION_USER_DIR:-${XDG_DATA_HOME:-${HOME-}/.local/share}/bash-completion}"
            {/usr,/usr/local,/opt/homebrew,/opt/local}/share/bash-completion)
        for dir in "${folders[@]}"; do
            declare -F _init_completion >/dev/null && break
            [[ -f $dir/bash_completion ]] && builtin . "$dir/bash_completion"
        done
        spec=$(complete -p -- "$command" 2>/dev/null)
        for part in "${folders[@]/%//completions/$command}" "${folders[@]/%//completions/$command.bash}" \
            "${folders[@]/%//completions/_$command}"; do
            [[ -z $spec && -f $part ]] || continue
            builtin . "$part" "$command"
            spec=$(complete -p -- "$command" 2>/dev/null)
        done
    fi
    [[ -n $spec ]] || return 1
    eval "options=($spec)"   # complete -p prints what can be read again
    unset 'options[0]' 'options[-1]'
    options=("${options[@]}")
    local i plain=() fallback= names=
    for ((i = 0; i < ${#options[@]}; i++)); do
        case ${options[i]} in
            -F)
                function=${options[++i]} ;;
            -o)
                case ${options[++i]} in
                    filenames) names=1 fallback=1 ;;
                    default | bashdefault | dirnames) fallback=1 ;;
                esac ;;
            *)
                plain+=("${options[i]}") ;;
        esac
    done
    local before=${#matches[@]}
    if [[ -n $function ]]; then
        COMP_WORDS=("${words[@]}" "$current")
        COMP_CWORD=${#words[@]}
        COMP_LINE="${words[*]} $current"
        COMP_POINT=${#COMP_LINE} COMP_TYPE=9 COMP_KEY=9 COMPREPLY=()
        compopt() { [[ $* == *-o\ filenames* ]] && names=1; }
        "$function" "${words[0]}" "$current" "${words[-1]}" >/dev/null
        for part in "${COMPREPLY[@]}"; do
            part=${part%%*( )}
            if [[ $part == -* ]]; then
                add option "$part"
            elif [[ -n $names && -z $quote && -e $part ]]; then
                [[ -d $part ]] && part=${part%/}/
                printf -v part %q "$part"
                add path "$part"
            else
                add argument "$part"
            fi
        done
    fi
    if ((${#plain[@]})); then
        generate argument "${plain[@]}"
    fi
    ((${#matches[@]} > before)) || [[ -z $fallback ]]
}

answer_complete() {
    local code=${__parley_field[code]-} position=${__parley_field[cursor_pos]-} start value i
    [[ $position =~ ^[0-9]+$ ]] && ((position <= ${#code})) || position=${#code}
    take_apart "${code:0:position}"
    unquote "$current"
    start=$((position - ${#current}))
    if [[ $place == comment ]]; then
        :
    elif [[ $quote != \' && $current =~ (\$\{?[!#]?)([A-Za-z_0-9]*)$ ]]; then
        local before=${BASH_REMATCH[1]} after=
        value=${BASH_REMATCH[2]}
        [[ $before == *'{'* ]] && after=}
        start=$((position - ${#before} - ${#value}))
        generate variable -v
        for i in "${!matches[@]}"; do matches[i]=$before${matches[i]}$after; done
    elif [[ $place == command && $current =~ ^[A-Za-z_][A-Za-z0-9_]*\+?=(.*)$ ]]; then
        start=$((position - ${#BASH_REMATCH[1]}))
        unquote "${BASH_REMATCH[1]}"
        files
    elif [[ $place == file-* ]]; then
        files
    elif [[ $place == command ]]; then
        if [[ $value == */* || $value == '~'* ]]; then
            files programs
        else
            generate keyword -k
            generate alias -a
            generate function -A function
            generate builtin -b
            generate command -c
        fi
    else
        case ${words[0]##*/} in
            cd | pushd | rmdir) files directories ;;
            export | unset | declare | typeset | local | readonly | read)
                if [[ $value == -* ]]; then :; else generate variable -v; fi
                [[ ${words[0]} == unset ]] && generate function -A function ;;
            kill | trap)
                if [[ ${words[0]} == trap && $value != SIG* ]]; then
                    generate builtin -W 'EXIT ERR DEBUG RETURN'
                fi
                if [[ ${words[0]} == trap || $value == -* ]]; then
                    local sign=${value%%[!-]*}
                    value=${value#-}
                    value=SIG${value#SIG}
                    generate signal -A signal
                    for i in "${!matches[@]}"; do
                        [[ ${types[i]} == signal ]] && matches[i]=$sign${matches[i]#SIG}
                    done
                fi ;;
            man | type | which | command | whatis) generate command -c ;;
            help) generate builtin -A helptopic ;;
            alias | unalias) generate alias -a ;;
            shopt) generate option -A shopt ;;
            set) generate option -A setopt ;;
            display | clear_output)
                if [[ $value == -* ]]; then
                    generate option -W '--html --markdown --latex --svg --json --text --javascript --mime
                        --plain --id --update --width --height --wait --help'
                else
                    files
                fi ;;
            *) programmed || files ;;
        esac
        if ((!${#matches[@]})) && [[ $value == -* && $value != *=* ]]; then
            local dashes
            mapfile -t dashes < <(builtin help "${words[0]}" 2>/dev/null |
                command sed -nE 's/^ *(-[A-Za-z])[[:space:]].*/\1/p')
            for i in "${dashes[@]}"; do [[ $i == "$value"* ]] && add option "$i"; done
        elif ((!${#matches[@]})) && [[ $current == *=* ]]; then
            local tail=${current#*=}
            start=$((position - ${#tail}))
            unquote "${current#*=}"
            files
        fi
    fi
    local list= typed= count=0 json
    for i in "${!matches[@]}"; do
        ((++count > 1000)) && break
        quoted "${matches[i]}"
        list+=${list:+,}$json
        typed+="${typed:+,}{\"text\":$json,\"type\":\"${types[i]}\",\"start\":$start,\"end\":$position}"
    done
    printf '%s' '{"status":"ok","matches":['"$list"'],"cursor_start":'"$start"',"cursor_end":'"$position"',"metadata":{"_jupyter_types_experimental":['"$typed"']}}'
}

quoted() { # in $json
    case $1 in
        *[!A-Za-z0-9_./:+=~@%,\ -]*)
            __parley_quote "$1"
            json=$__parley_json ;;
        *)
            json=\"$1\" ;;
    esac
}

# ---- inspection -----------------------------------------------------------------------------------

describe() { # word, detail level
    local word=$1 kind summary
    if [[ $word == '$'* ]]; then
        word=${word#'$'}
        word=${word#'{'}
        declare -p -- "$word" 2>/dev/null
        return
    fi
    if [[ -n ${BASH_ALIASES[$word]-} ]]; then
        builtin alias -- "$word"
        return
    fi
    kind=$(type -t -- "$word")
    case $kind in
        keyword | builtin)
            builtin help -- "$word" || builtin help "$word" ;;
        function)
            declare -f -- "$word" ;;
        file)
            type -- "$word"
            if (($2)); then
                MANPAGER=cat MANWIDTH=90 command man -- "$word" 2>/dev/null | command col -bx | command head -n 400
            else
                summary=$(command man -f -- "$word" 2>/dev/null)
                [[ -n $summary && $summary != *'minimized'* ]] && printf '%s\n' "$summary"
            fi ;;
        *)
            declare -p -- "$word" 2>/dev/null || { [[ -e $word ]] && command ls -ld -- "$word"; } ;;
    esac
}

answer_inspect() {
    local code=${__parley_field[code]-} position=${__parley_field[cursor_pos]-} before after word text=
    [[ $position =~ ^[0-9]+$ ]] && ((position <= ${#code})) || position=${#code}
    before=${code:0:position} after=${code:position}
    word=${before##*[!A-Za-z0-9_.:+/@%,~\$\{\[\!-]}${after%%[!A-Za-z0-9_.:+/@%,~-]*}
    word=${word%%[:,]}
    if [[ -n $word && $word != '$' ]]; then
        text=$(describe "$word" "${__parley_field[detail_level]:-0}")
    fi
    if [[ -z $text ]]; then # nothing to say about an argument: then about the command
        take_apart "$before"
        [[ -n ${words[0]-} ]] && text=$(describe "${words[0]}" "${__parley_field[detail_level]:-0}")
    fi
    if [[ -n $text ]]; then
        __parley_quote "$text"
        printf '%s' '{"status":"ok","found":true,"data":{"text/plain":'"$__parley_json"'},"metadata":{}}'
    else
        printf '%s' '{"status":"ok","found":false,"data":{},"metadata":{}}'
    fi
}

# ---- is it complete? ------------------------------------------------------------------------------

answer_is_complete() {
    local code=${__parley_field[code]-} backslashes indent last
    backslashes=${code##*[!\\]}
    if ((${#backslashes} % 2)); then
        printf '{"status":"incomplete","indent":""}'
        return
    fi
    if __parley_noexec "$code"; then
        if [[ $__parley_warned != *'delimited by end-of-file'* ]]; then
            printf '{"status":"complete"}'
            return
        fi
    elif [[ $__parley_warned != *'unexpected end of file'* &&
        $__parley_warned != *'unexpected EOF while looking for'* ]]; then
        printf '{"status":"invalid"}'
        return
    fi
    # As deep as the last line, and one step more behind what opens a block.
    last=${code%%*($'\n')}
    last=${last##*$'\n'}
    indent=${last%%[![:space:]]*}
    [[ $__parley_warned == *'delimited by end-of-file'* ]] && indent=
    [[ $last =~ (^|[[:space:]\;])(then|do|else|\{|\(|in)[[:space:]]*$ || $last == *'{' || $last == *'(' ]] && indent+='    '
    __parley_quote "$indent"
    printf '{"status":"incomplete","indent":%s}' "$__parley_json"
}

# ---- user expressions -----------------------------------------------------------------------------

# The members of a JSON object of strings, in `names` and `values`.
members() {
    local text=$1 string='"(([^"\\]|\\.)*)"'
    names=() values=()
    while [[ $text =~ $string[[:space:]]*:[[:space:]]*$string ]]; do
        local name=${BASH_REMATCH[1]} value=${BASH_REMATCH[3]}
        text=${text#*"${BASH_REMATCH[0]}"}
        names+=("$name")
        unescape "$value"
        values+=("$value")
    done
}

unescape() { # JSON's escapes; in $value
    local text=$1 code low
    value=
    while [[ $text == *\\* ]]; do
        value+=${text%%\\*}
        text=${text#*\\}
        case $text in
            u*)
                code=$((16#${text:1:4}))
                text=${text:5}
                if ((code >= 0xd800 && code < 0xdc00)) && [[ $text == \\u* ]]; then
                    low=$((16#${text:2:4}))
                    code=$((0x10000 + ((code - 0xd800) << 10) + low - 0xdc00))
                    text=${text:6}
                fi
                printf -v code '\\U%08x' "$code"
                printf -v code "$code"
                value+=$code
                continue ;;
            n*) value+=$'\n' ;;
            t*) value+=$'\t' ;;
            r*) value+=$'\r' ;;
            b*) value+=$'\b' ;;
            f*) value+=$'\f' ;;
            *) value+=${text:0:1} ;;
        esac
        text=${text:1}
    done
    value+=$text
}

# An expression of the shell is what may stand between double quotes.
answer_expressions() {
    local names values i out list= status
    members "$__parley_expressions"
    for i in "${!names[@]}"; do
        out=$(eval "builtin printf '%s' \"${values[i]}\"" 2>&1)
        status=$?
        __parley_quote "$out"
        if ((status)); then
            [[ $out =~ ^[^:]*:\ (eval:\ line\ [0-9]+:\ )?(.*)$ ]] && __parley_quote "${BASH_REMATCH[2]}"
            list+="${list:+,}\"${names[i]}\":{\"status\":\"error\",\"ename\":\"ExpansionError\",\"evalue\":$__parley_json,\"traceback\":[$__parley_json]}"
        else
            list+="${list:+,}\"${names[i]}\":{\"status\":\"ok\",\"data\":{\"text/plain\":$__parley_json},\"metadata\":{}}"
        fi
    done
    printf '%s' "{$list}"
}

__parley_answer=$("answer_$__parley_kind" 2>/dev/null)
builtin printf '\n%s' "$__parley_answer"

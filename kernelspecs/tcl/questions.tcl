# Completion, inspection, is_complete. Commands and variables are those of `user`; nothing of the user's is run.
namespace eval ::parley::questions {
    variable word {[A-Za-z0-9_:.\u0080-\uffff-]*}
}

# cursor_pos counts code points; Tcl 8.6 has two characters for those beyond the first plane.
proc ::parley::questions::Before {code position} {
    set at 0
    while {$position > 0 && $at < [string length $code]} {
        set c [string index $code $at]
        incr at [expr {$c >= "\uD800" && $c <= "\uDBFF" ? 2 : 1}]
        incr position -1
    }
    return [string range $code 0 $at-1]
}

proc ::parley::questions::Points text { return [regexp -all {[^\uDC00-\uDFFF]} $text] }

# The words of the command that the cursor is in, as they are written, without the one at the cursor.
proc ::parley::questions::Words text {
    set start 0
    set depth {}
    set at 0
    set length [string length $text]
    while {$at < $length} {
        switch -- [string index $text $at] {
            \\ { incr at }
            \[ - \{ { lappend depth $start; set start [expr {$at + 1}] }
            \] - \} { if {[llength $depth]} { set start [lindex $depth end]; set depth [lrange $depth 0 end-1] } }
            ; - \n { set start [expr {$at + 1}] }
        }
        incr at
    }
    return [regexp -all -inline {\S+} [string range $text $start end]]
}

proc ::parley::questions::Glob text { return [string map {\\ \\\\ * \\* ? \\? \[ \\\[ \] \\\]} $text] }

proc ::parley::questions::Commands prefix {
    set found [interp eval user [list info commands [Glob $prefix]*]]
    set space [namespace qualifiers $prefix]
    if {[string match *::* $prefix] || $prefix ne ""} {
        foreach child [interp eval user [list namespace children ${space}::]] {
            set name [expr {[string match ::* $prefix] ? $child : [string range $child 2 end]}]
            if {[string match [Glob $prefix]* $name] && $name ni {::parley parley}} { lappend found ${name}:: }
        }
    }
    if {![string match ::* $prefix]} { set found [lmap name $found { string trimleft $name : }] }
    return [lsearch -all -inline -not -glob $found *parley::*]
}

proc ::parley::questions::Variables prefix {
    if {[regexp {^(.*)\((.*)$} $prefix -> array key]} {
        if {![interp eval user [list array exists $array]]} { return {} }
        return [lmap name [interp eval user [list array names $array [Glob $key]*]] {string cat $array ( $name )}]
    }
    set found [interp eval user [list info vars [Glob $prefix]*]]
    if {![string match *::* $prefix]} {
        foreach name [interp eval user [list info vars ::[Glob $prefix]*]] { lappend found [string range $name 2 end] }
    }
    return $found
}

# The subcommands of an ensemble, and those of the built-in commands that are none: they name them in a message.
proc ::parley::questions::Subcommands command {
    if {[catch { interp eval user [list namespace ensemble configure $command] } options]} {
        if {$command ni {after interp package trace lsort lsearch regexp regsub switch}} { return {} }
        set arguments [expr {$command in {lsort lsearch regexp regsub switch} ? {-? - -} : {?}}]
        set probe [interp create -safe]
        catch { interp eval $probe [list $command {*}$arguments] } message
        interp delete $probe
        if {![regexp {must be (.*)$} $message -> list]} { return {} }
        return [lsearch -all -inline [string map {, "" " or " " "} $list] {[-a-z]*}]
    }
    if {[llength [dict get $options -subcommands]]} { return [dict get $options -subcommands] }
    if {[dict size [dict get $options -map]]} { return [dict keys [dict get $options -map]] }
    set space [dict get $options -namespace]
    set found {}
    foreach pattern [interp eval user [list namespace eval $space {namespace export}]] {
        foreach name [interp eval user [list info commands ${space}::$pattern]] { lappend found [namespace tail $name] }
    }
    return $found
}

proc ::parley::questions::complete content {
    variable word
    set before [Before [dict get $content code] [dict get $content cursor_pos]]
    if {[regexp {\$\{?((?:[A-Za-z0-9_:\u0080-\uffff])*(?:\([^()\s]*)?)$} $before -> prefix]} {
        set matches [Variables $prefix]
    } else {
        regexp "($word)\$" $before -> prefix
        set words [Words [string range $before 0 end-[string length $prefix]]]
        if {$words eq {}} {
            set matches [Commands $prefix]
        } else {
            set matches [lsearch -all -inline -glob [Subcommands [lindex $words 0]] [Glob $prefix]*]
            if {[llength $words] > 1 && [string index $prefix 0] ne "-"} { set matches {} }
            if {[lindex $words 0] in {set incr append lappend unset global upvar array info vwait trace foreach lassign}} {
                lappend matches {*}[Variables $prefix]
            } elseif {$matches eq {} && $prefix ne ""} {
                set matches [concat [Commands $prefix] [Variables $prefix]]
            }
        }
    }
    set position [dict get $content cursor_pos]
    return [::parley::json::object status \"ok\" matches [::parley::json::strings [lsort -unique $matches]] \
        cursor_start [expr {$position - [Points $prefix]}] cursor_end $position metadata "{}"]
}

# The comment lines right above a definition in one of the cells are its documentation.
proc ::parley::questions::Comment name {
    foreach source [lreverse $::parley::sources] {
        set lines [split $source \n]
        set at [lsearch -regexp $lines "^\\s*(proc|method)\\s+(::)?[regsub -all {\W} [string trimleft $name :] {\\&}]\\s"]
        if {$at < 0} continue
        set found {}
        while {[incr at -1] >= 0 && [regexp {^\s*#+\s?(.*)$} [lindex $lines $at] -> text]} { set found [linsert $found 0 $text] }
        return $found
    }
    return {}
}

# How a built-in command is called, as it says itself when it gets too few arguments; in an interpreter that
# cannot do harm.
proc ::parley::questions::Usage args {
    set probe [interp create -safe]
    catch { interp eval $probe $args } message
    interp delete $probe
    if {[regexp {should be "(.*)"} $message -> usage]} { return $usage }
    return ""
}

proc ::parley::questions::Procedure {name detail} {
    set arguments [lmap argument [interp eval user [list info args $name]] {
        if {[interp eval user [list info default $name $argument ::parley::default]]} {
            list $argument [interp eval user {set ::parley::default}]
        } else {
            set argument
        }
    }]
    set text [list [list proc $name $arguments] {*}[Comment $name]]
    if {$detail} { set text [list {*}[Comment $name] "[list proc $name $arguments] {[interp eval user [list info body $name]]}"] }
    return [join $text \n]
}

proc ::parley::questions::Command {name sub detail} {
    set full [interp eval user [list namespace which -command $name]]
    if {$full eq "" || [string match ::parley::* $full]} { return "" }
    if {[interp eval user [list info procs $full]] ne ""} { return [Procedure $name $detail] }
    if {![catch { interp eval user [list info object isa object $full] } object] && $object} {
        set class [interp eval user [list info object class $full]]
        return "$name: an object of $class\nmethods: [interp eval user [list info object methods $full -all]]"
    }
    set subcommands [Subcommands $full]
    if {$sub ne "" && $sub in $subcommands} {
        set usage [Usage $name $sub]
        return [expr {$usage eq "" ? "$name $sub: a subcommand" : $usage}]
    }
    if {$name in {display clear_output input}} {
        return [dict get {
            display {display ?-id name | -update name? ?-metadata json? -text | -html | -markdown | -latex | -json | -svg | -png | -jpeg content ...}
            clear_output {clear_output ?-wait?}
            input {input ?prompt? ?-password?}
        } $name]
    }
    set usage [Usage $name]
    set text [expr {$usage eq "" ? $name : $usage}]
    append text "\na built-in command"
    if {$subcommands ne {}} { append text "\nsubcommands: [join [lsort $subcommands] {, }]" }
    return $text
}

proc ::parley::questions::Variable name {
    if {[string match ::parley::* $name]} { return "" }
    if {[interp eval user [list array exists $name]]} {
        set keys [lsort -dictionary [interp eval user [list array names $name]]]
        set shown [lmap key [lrange $keys 0 29] {string cat "  ($key)"}]
        return "$name: an array of [llength $keys]\n[join $shown \n]"
    }
    if {![interp eval user [list info exists $name]]} { return "" }
    set value [interp eval user [list set $name]]
    if {[string length $value] > 1000} { set value "[string range $value 0 999]\u2026 ([string length $value] characters)" }
    return "$name = $value"
}

proc ::parley::questions::inspect content {
    variable word
    set code [dict get $content code]
    set before [Before $code [dict get $content cursor_pos]]
    regexp "^$word" [string range $code [string length $before] end] rest
    append before $rest
    regexp "(\[\$\x7b\]*)($word)\$" $before -> dollar name
    set words [Words [string range $before 0 end-[string length $name]]]
    set text ""
    if {$name eq ""} {
        set name [lindex $words 0]
        set words {}
    }
    set detail [expr {[dict exists $content detail_level] && [dict get $content detail_level] > 0}]
    if {$name ne ""} {
        if {$dollar eq "" && $words ne {}} { set text [SubcommandOf [lindex $words 0] $name] }
        if {$dollar eq "" && $text eq ""} { set text [Command $name "" $detail] }
        if {$text eq ""} { set text [Variable $name] }
    }
    set data [expr {$text eq "" ? "{}" : [::parley::json::object text/plain [::parley::json::string $text]]}]
    return [::parley::json::object status \"ok\" found [expr {$text eq "" ? "false" : "true"}] data $data metadata "{}"]
}

proc ::parley::questions::SubcommandOf {command name} {
    if {$name ni [Subcommands $command]} { return "" }
    return [Command $command $name 0]
}

# Tcl finds most mistakes only when it runs the code. A command that begins with a closing brace is one for sure.
proc ::parley::questions::is_complete code {
    set command ""
    foreach line [split $code \n] {
        append command $line \n
        if {![info complete $command]} continue
        if {[regexp {^\s*[\]\}]} $command]} { return {{"status":"invalid"}} }
        set command ""
    }
    if {[info complete $code\n] && ![regexp {(?:^|[^\\])(?:\\\\)*\\$} $code]} { return {{"status":"complete"}} }
    set depth [expr {[regexp -all {\{} $code] - [regexp -all {\}} $code]}]
    return [::parley::json::object status \"incomplete\" indent [::parley::json::string [string repeat "    " $depth]]]
}

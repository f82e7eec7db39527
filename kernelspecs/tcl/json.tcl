# JSON for the frames. An object is a dict, an array a list, true and false are words; to write JSON the caller
# says what a value is, since Tcl's values have no type.
namespace eval ::parley::json {
    variable map {}
    for {set i 0} {$i < 32} {incr i} { lappend map [format %c $i] [format \\u%04x $i] }
    lappend map \\ \\\\ \" \\\" \x7f \\u007f
}

# Tcl 8.6 keeps a code point beyond the first plane as two surrogates. A pair is written as two escapes; one
# that has lost its other half is not a character.
proc ::parley::json::string text {
    variable map
    set text [::string map $map $text]
    if {[regexp {[\uD800-\uDFFF]} $text]} {
        set out ""
        set high ""
        foreach c [split $text ""] {
            set code [scan $c %c]
            if {$high ne "" && $code >= 0xDC00 && $code <= 0xDFFF} {
                append out [format {\u%04x\u%04x} $high $code]
                set high ""
                continue
            }
            if {$high ne ""} { append out \uFFFD; set high "" }
            if {$code >= 0xD800 && $code <= 0xDBFF} {
                set high $code
            } elseif {$code >= 0xDC00 && $code <= 0xDFFF} {
                append out \uFFFD
            } else {
                append out $c
            }
        }
        if {$high ne ""} { append out \uFFFD }
        set text $out
    }
    return "\"$text\""
}

proc ::parley::json::strings list {
    return \[[join [lmap item $list {string $item}] ,]\]
}

# object key json key json ...: the values are JSON already.
proc ::parley::json::object args {
    set members {}
    foreach {key value} $args { lappend members [string $key]:$value }
    return \{[join $members ,]\}
}

proc ::parley::json::decode text {
    set at 0
    set value [Value $text at]
    if {![regexp -start $at {\A\s*\Z} $text]} { error "JSON: more behind the value" }
    return $value
}

proc ::parley::json::Value {text place} {
    upvar 1 $place at
    regexp -indices -start $at {\A\s*} $text space
    set at [expr {[lindex $space 1] + 1}]
    switch -- [::string index $text $at] {
        \" { return [String $text at] }
        \{ { return [Members $text at \}] }
        \[ { return [Members $text at \]] }
    }
    if {![regexp -start $at {\A(?:true|false|null|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)} $text word]} {
        error "JSON: no value at character $at"
    }
    incr at [::string length $word]
    return $word
}

# JSON's escapes are among those of Tcl.
proc ::parley::json::String {text place} {
    upvar 1 $place at
    if {![regexp -indices -start $at {\A"[^"\\]*(?:\\.[^"\\]*)*"} $text span]} { error "JSON: a string without an end" }
    set at [expr {[lindex $span 1] + 1}]
    return [subst -nocommands -novariables [::string range $text [lindex $span 0]+1 [lindex $span 1]-1]]
}

proc ::parley::json::Members {text place end} {
    upvar 1 $place at
    set result {}
    incr at
    while 1 {
        regexp -indices -start $at {\A[\s,]*} $text span
        set at [expr {[lindex $span 1] + 1}]
        if {[::string index $text $at] eq $end} { incr at; return $result }
        if {$at >= [::string length $text]} { error "JSON: a list without an end" }
        if {$end eq "\}"} {
            lappend result [String $text at]
            if {![regexp -indices -start $at {\A\s*:} $text span]} { error "JSON: a member without a value" }
            set at [expr {[lindex $span 1] + 1}]
        }
        lappend result [Value $text at]
    }
}

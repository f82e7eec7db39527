# Rich output: the commands display, clear_output and input of the cells.
namespace eval ::parley::display {
    variable mimes {
        -text text/plain -html text/html -markdown text/markdown -latex text/latex -json application/json
        -javascript application/javascript -svg image/svg+xml -png image/png -jpeg image/jpeg -gif image/gif
    }
    variable usage {display ?-id name | -update name? ?-metadata json? -html text | -svg text | -png bytes | ...}
}

# JSON as it is, images as base64, everything else as text.
proc ::parley::display::Encoded {mime value} {
    if {$mime eq "application/json" || [string match *+json $mime]} {
        if {[catch { ::parley::json::decode $value } message]} { return -code error "display: $mime: $message" }
        return [string map {\n { }} $value]
    }
    if {[string match image/* $mime] && ![string match image/svg* $mime]} { set value [binary encode base64 $value] }
    return [::parley::json::string $value]
}

proc ::parley::display::display args {
    variable mimes
    variable usage
    set data {}
    set metadata "{}"
    set transient "{}"
    set type display_data
    while {[llength $args]} {
        if {[llength $args] < 2} { return -code error "display: [lindex $args 0] needs a value; usage: $usage" }
        set args [lassign $args option value]
        switch -- $option {
            -id - -update {
                set transient [::parley::json::object display_id [::parley::json::string $value]]
                if {$option eq "-update"} { set type update_display_data }
            }
            -metadata { set metadata [Encoded application/json $value] }
            -mime {
                if {![llength $args]} { return -code error "display: -mime needs a type and the content" }
                set args [lassign $args content]
                lappend data $value [Encoded $value $content]
            }
            default {
                if {![dict exists $mimes $option]} { return -code error "display: \"$option\" is no option; usage: $usage" }
                lappend data [dict get $mimes $option] [Encoded [dict get $mimes $option] $value]
            }
        }
    }
    if {![llength $data]} { return -code error "display: nothing to show; usage: $usage" }
    ::parley::channels::before_frame
    ::parley::frames::publish $type \
        [::parley::json::object data [::parley::json::object {*}$data] metadata $metadata transient $transient]
}

proc ::parley::display::result text {
    ::parley::channels::before_frame
    ::parley::frames::publish execute_result [::parley::json::object \
        data [::parley::json::object text/plain [::parley::json::string $text]] metadata "{}"]
}

# clear_output ?-wait?: with -wait, only when something new comes.
proc ::parley::display::clear_output {{wait ""}} {
    if {$wait ni {"" -wait}} { return -code error "usage: clear_output ?-wait?" }
    ::parley::channels::before_frame
    ::parley::frames::publish clear_output [::parley::json::object wait [expr {$wait eq "" ? "false" : "true"}]]
}

# input ?prompt? ?-password?: a line from the user; empty at the end of the input.
proc ::parley::display::input {{prompt ""} {password ""}} {
    if {$password ni {"" -password}} { return -code error "usage: input ?prompt? ?-password?" }
    set answer [::parley::channels::ask $prompt [expr {$password ne ""}]]
    return [expr {$answer eq "eof" ? "" : [string range $answer 1 end]}]
}

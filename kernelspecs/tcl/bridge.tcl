# The Tcl bridge: from request to request, and the cell itself. Cells run in an interpreter of their own, `user`,
# at its global level; the bridge is another interpreter of the same process, which no cell can reach.
namespace eval ::parley {
    variable folder [file dirname [file normalize [info script]]]
    variable cell 0                 ;# a cell runs
    variable interrupted 0
    variable sources {}
    variable refusal ""
    variable limit 20000
}

if {[catch { package require Tcl 8.6 } message] || [catch { package require Tclx } message]} {
    puts stderr "The Tcl bridge needs Tcl 8.6 and the extension TclX: $message.\nFor example: apt install tcl tclx8.4"
    exit 78
}
encoding system utf-8
foreach part {json frames channels display questions} { source -encoding utf-8 [file join $::parley::folder $part.tcl] }

# SIGINT is a call of this command, in the interpreter that runs at that moment. Cells know it by an alias. While
# the bridge itself runs, a cell is meant.
#
# Between the cells SIGINT is ignored: Tcl's own signal handling takes a lock that its event loop holds at the moment
# when a request comes, and would wait for itself. What comes too early is sent once more (interrupt_repeat).
proc ::parley::interrupt {{from bridge}} {
    variable cell
    variable interrupted
    if {!$cell && $from eq "bridge"} return
    set interrupted 1
    interp cancel -unwind user "interrupted"
}

# The line of the cell, and errorInfo without what the bridge adds below it, and above it where a command of the
# bridge has failed; both empty if no line is to blame.
proc ::parley::Trace info {
    set lines [split $info \n]
    set end [lindex [lsearch -all -regexp $lines {^    \("eval" body line \d+\)$}] end]
    if {$end eq ""} { return {{} {}} }
    regexp {\d+} [lindex $lines $end] line
    set lines [lrange $lines 0 $end-1]
    set own [lindex [lsearch -all -regexp $lines {^    \((procedure "::parley::|chan handler subcommand )}] end]
    if {$own ne ""} {
        set said [lsearch -exact $lines {    while executing}]
        set lines [lreplace $lines $said+1 $own+1]
    }
    return [list $line [join $lines \n]]
}

proc ::parley::ErrorContent {code message options} {
    variable interrupted
    variable refusal
    set code_of [dict get $options -errorcode]
    if {$interrupted || [lrange $code_of 0 1] eq "TCL CANCEL"
        || [lindex $code_of 0] eq "CHILDKILLED" && [lindex $code_of 2] eq "SIGINT"} {
        lassign {KeyboardInterrupt interrupted} name message
    } elseif {$refusal ne ""} {
        set name StdinNotImplementedError
        set message [string map [list "$name: " ""] $refusal]
    } else {
        set name [expr {[lindex $code_of 0] in {NONE ""} ? "TclError" : [lindex $code_of 0]}]
    }
    set trace [list "$name: $message"]
    lassign [Trace [dict get $options -errorinfo]] line info
    if {$line ne ""} { lappend trace [format "%6d | %s" $line [lindex [split $code \n] $line-1]] $info }
    return [list ename [json::string $name] evalue [json::string $message] traceback [json::strings $trace]]
}

# The end of what SIGINT may do. One that has come but was not looked at is an error of this command; a cancellation that
# came when nothing ran would be met by the next command in `user`. One that is a list takes it away.
proc ::parley::Settle {} {
    catch { signal ignore SIGINT }
    catch { interp eval user [list eval list] }
}

proc ::parley::Run code {
    variable cell
    variable interrupted
    set interrupted 0
    set cell 1
    # An interpreter that a cell has made does not know the command: its code is what is cancelled then.
    signal trap SIGINT { if {[catch ::parley::interrupt]} { interp cancel -unwind {} } }
    # `eval` counts the lines. When a signal comes at the very end of a `catch`, Tcl raises what has been caught once more.
    if {[catch { set status [catch { interp eval user [list eval $code] } result options] } again more]} {
        lassign [list 1 $again $more] status result options
    }
    set cell 0
    Settle
    if {$status == 2} { set status [expr {[dict get $options -code] == 1}] }     ;# a cell may return
    if {$status in {3 4}} {
        set result "invoked \"[expr {$status == 3 ? "break" : "continue"}]\" outside of a loop"
    }
    if {![dict exists $options -errorcode]} { dict set options -errorcode NONE }
    if {![dict exists $options -errorinfo]} { dict set options -errorinfo $result }
    return [list $status $result $options]
}

proc ::parley::Expressions wanted {
    set members {}
    dict for {name code} $wanted {
        if {[string match {$*} $code]} { set code "subst -nocommands [list $code]" }
        lassign [Run $code] status result options
        if {$status == 0} {
            set answer [json::object status \"ok\" metadata "{}" \
                data [json::object text/plain [json::string $result]]]
        } else {
            set answer [json::object status \"error\" {*}[ErrorContent $code $result $options]]
        }
        lappend members $name $answer
    }
    return [json::object {*}$members]
}

proc ::parley::execute_request content {
    variable sources
    variable limit
    set code [dict get $content code]
    lappend sources $code
    channels::begin_cell
    lassign [Run $code] status result options
    channels::before_frame
    if {$status == 0} {
        if {$result ne "" && ![dict get $content silent]} {
            if {[string length $result] > $limit} {
                set result "[string range $result 0 $limit-1]\u2026 ([string length $result] characters)"
            }
            display::result $result
        }
        return [json::object status \"ok\" user_expressions [Expressions [dict get $content user_expressions]]]
    }
    set error [ErrorContent $code $result $options]
    frames::send {{"msg_type":"error"}} [json::object {*}$error]
    return [json::object status \"error\" {*}$error]
}

proc ::parley::complete_request content { return [questions::complete $content] }
proc ::parley::inspect_request content { return [questions::inspect $content] }
proc ::parley::is_complete_request content { return [questions::is_complete [dict get $content code]] }

proc ::parley::Serve frame {
    lassign $frame head content
    set type [dict get $head msg_type]
    if {$type eq "shutdown_request"} { exit 0 }
    if {[info commands ::parley::$type] eq ""} return       ;# a late ack, or an answer nobody waits for
    if {[catch { $type $content } reply]} {
        set reply [json::object status \"error\" ename \"BridgeError\" evalue [json::string $reply] traceback {[]}]
    }
    channels::before_frame
    frames::send "{\"msg_type\":\"[string map {request reply} $type]\",\"id\":[dict get $head id]}" $reply
}

# An event that was interrupted is no error to report; every other one goes where it would go.
proc ::parley::BackgroundError {message options} {
    if {[lrange [dict get $options -errorcode] 0 1] eq "TCL CANCEL"} return
    interp eval user [list ::tcl::Bgerror $message $options]
}

# The transformations of stdout and stderr do not live as long as the channels: what is left goes out before.
proc ::parley::Exit {{code 0}} {
    if {![string is integer -strict $code]} { return -code error "expected integer but got \"$code\"" }
    channels::before_frame
    exit $code
}

# Wakes the loop below: a request has come. Once is enough: an event that has a vwait of its own may keep it waiting.
proc ::parley::wake {} {
    fileevent $::parley::frames::requests readable {}
    set ::parley::ready 1
}

::parley::channels::take_over
interp eval user { namespace eval ::parley {} }
interp alias user ::parley::interrupt {} ::parley::interrupt user
foreach command {display clear_output input} { interp alias user $command {} ::parley::display::$command }
interp alias user ::parley::background_error {} ::parley::BackgroundError
interp bgerror user ::parley::background_error
foreach command {exec open} {
    interp hide user $command
    interp alias user $command {} ::parley::channels::$command
}
interp alias user exit {} ::parley::Exit
interp eval user { set argv0 tclsh; set argv {}; set argc 0; set tcl_interactive 0 }
signal ignore SIGINT

::parley::frames::send {{"msg_type":"kernel_info_reply","id":0}} [::parley::json::object \
    bridge_protocol 1 banner [::parley::json::string "Tcl [info patchlevel]"] \
    capabilities [::parley::json::strings {complete inspect is_complete}] \
    language_info [::parley::json::object name \"tcl\" version [::parley::json::string [info patchlevel]] \
        mimetype \"text/x-tcl\" file_extension \".tcl\" codemirror_mode \"tcl\" pygments_lexer \"tcl\" \
        nbconvert_exporter \"script\"]]

# Between two requests the event loop runs: `after` and `fileevent` of the cells.
while 1 {
    if {![llength $::parley::frames::waiting]} {
        fileevent $::parley::frames::requests readable ::parley::wake
        vwait ::parley::ready
    }
    ::parley::Serve [::parley::frames::next]
}

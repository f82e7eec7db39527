# Frames out, frames in, and the answers that the bridge waits for.
namespace eval ::parley::frames {
    variable requests [dup 3]
    variable events [dup 4]
    variable waiting {}
    variable seq 0
    variable question 0
    foreach channel [list $requests $events] {
        fcntl $channel CLOEXEC 1
        fconfigure $channel -encoding utf-8 -translation lf -eofchar {} -buffering full -buffersize 65536
    }
}

# head and content are JSON.
proc ::parley::frames::send {head content} {
    variable events
    puts $events "$head\n$content"
    flush $events
}

proc ::parley::frames::Line {} {
    variable requests
    if {[gets $requests line] < 0} { exit 0 }       ;# the server is gone
    return $line
}

# The next frame as {head content}.
proc ::parley::frames::Receive {} {
    set head [Line]
    set content [Line]
    set head [::parley::json::decode $head]
    if {[dict exists $head buffers]} { foreach length [dict get $head buffers] { Skip $length } }
    return [list $head [::parley::json::decode $content]]
}

proc ::parley::frames::Skip length {
    variable requests
    fconfigure $requests -translation binary
    read $requests $length
    fconfigure $requests -encoding utf-8 -translation lf -eofchar {}
}

# A request, also one that came while an event between two cells waited for something else.
proc ::parley::frames::next {} {
    variable waiting
    if {[llength $waiting]} {
        set waiting [lassign $waiting frame]
        return $frame
    }
    return [Receive]
}

# Waits for an answer to the bridge's own question. An answer with another number belongs to a question that an
# interrupt has cut off; a request, which can come when no cell runs, is kept.
proc ::parley::frames::Answer {type key value} {
    variable waiting
    while 1 {
        lassign [Receive] head content
        set kind [dict get $head msg_type]
        if {$kind eq $type && [dict get $head $key] == $value} { return $content }
        if {$kind ni {ack input_reply}} { lappend waiting [list $head $content]; ::parley::wake }
    }
}

# An output event, and the wait until it has been taken: what is printed next comes after it.
proc ::parley::frames::publish {type content} {
    variable seq
    incr seq
    send "{\"msg_type\":\"$type\",\"ack\":true,\"seq\":$seq}" $content
    Answer ack seq $seq
    return
}

proc ::parley::frames::Readable seconds {
    variable requests
    return [expr {![catch { select [list $requests] {} {} $seconds } ready] && [llength [lindex $ready 0]]}]
}

# What the user answers: a dict with `status`; empty after an interrupt.
proc ::parley::frames::ask {prompt password} {
    variable question
    incr question
    send "{\"msg_type\":\"input_request\",\"id\":$question}" \
        [::parley::json::object prompt [::parley::json::string $prompt] password [expr {$password ? "true" : "false"}]]
    # Tcl takes notice of a signal between two commands only, not while it reads.
    while {![Readable 0.2]} { if {$::parley::interrupted} { return {} } }
    return [Answer input_reply id $question]
}

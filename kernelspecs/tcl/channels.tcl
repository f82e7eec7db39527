# stdout, stderr and stdin of the cells. The first two stay the real descriptors 1 and 2 and get a transformation
# that keeps them in order; stdin becomes a channel that asks the user.
namespace eval ::parley::channels {
    variable last ""
    variable typed ""
    namespace export initialize finalize write flush read watch
    namespace ensemble create -command ::parley::channels::output \
        -map {initialize OutputInitialize finalize Finalize write Write flush Flush}
    namespace ensemble create -command ::parley::channels::input \
        -map {initialize InputInitialize finalize Finalize read Read watch Watch}
}

proc ::parley::channels::OutputInitialize {handle mode} {
    variable name
    set name($handle) [expr {[info exists name] ? "stderr" : "stdout"}]
    return {initialize finalize write flush}
}

proc ::parley::channels::Finalize handle {}
proc ::parley::channels::Flush handle { return "" }

# The server has emptied both pipes before it acknowledges a sync, so one is sent when output moves from one
# pipe to the other.
proc ::parley::channels::Write {handle bytes} {
    variable last
    variable name
    if {$name($handle) eq "stderr"} { catch { flush stdout } }      ;# a line that is not ended yet
    if {$last ne "" && $last ne $name($handle)} { ::parley::frames::publish sync "{}" }
    set last $name($handle)
    return $bytes
}

proc ::parley::channels::InputInitialize {handle mode} { return {initialize finalize read watch} }
proc ::parley::channels::Watch {handle events} {}

# One answer of the user is one line. An empty result is the end of the input.
proc ::parley::channels::Read {handle count} {
    variable typed
    if {$typed eq ""} {
        set line [ask "" 0]
        if {$line eq "eof"} { return "" }
        set typed [encoding convertto utf-8 [string range $line 1 end]\n]
    }
    set piece [string range $typed 0 $count-1]
    set typed [string range $typed $count end]
    return $piece
}

# "=" and the answer, or "eof".
proc ::parley::channels::ask {prompt password} {
    before_frame
    set reply [::parley::frames::ask $prompt $password]
    if {$reply eq {}} { error "interrupted" }
    switch -- [dict get $reply status] {
        ok { return =[dict get $reply value] }
        eof { return eof }
    }
    set ::parley::refusal "[dict get $reply ename]: [dict get $reply evalue]"
    error $::parley::refusal
}

# What has been printed goes out before a frame does.
proc ::parley::channels::before_frame {} {
    variable last
    catch { flush stdout }
    catch { flush stderr }
    set last ""
}

proc ::parley::channels::begin_cell {} {
    variable last
    variable typed
    set last ""
    set typed ""
    set ::parley::refusal ""
    if {[catch { interp eval user {chan names} } there]} { set there {} }   ;# an early interrupt: the cell will tell
    foreach channel {stdin stdout stderr} {
        if {$channel ni $there} { catch { interp share {} $channel user } }
    }
}

# Programs cannot read from a channel of the bridge. Without a redirection their input is the null device.
proc ::parley::channels::WithInput words {
    if {[lsearch -glob $words <*] >= 0} { return $words }
    if {[lindex $words end] eq "&"} { return [linsert $words end-1 </dev/null] }
    return [linsert $words end </dev/null]
}

proc ::parley::channels::exec args {
    if {[llength $args]} { set args [WithInput $args] }
    return [Hidden exec $args]
}

proc ::parley::channels::open args {
    lassign $args pipeline access
    if {[string match |* $pipeline] && $access in {"" r rb RDONLY}
        && ![catch { WithInput [string range $pipeline 1 end] } words]} { lset args 0 |$words }
    return [Hidden open $args]
}

# The built-in command, with its errors as if it had been called directly.
proc ::parley::channels::Hidden {command words} {
    if {[catch { interp invokehidden user $command {*}$words } result options]} {
        return -level 2 -code error -errorcode [dict get $options -errorcode] $result
    }
    return $result
}

proc ::parley::channels::take_over {} {
    fconfigure stdout -encoding utf-8 -translation lf
    fconfigure stderr -encoding utf-8 -translation lf
    chan push stdout ::parley::channels::output
    chan push stderr ::parley::channels::output
    fconfigure stdout -buffering line -encoding utf-8 -translation lf
    fconfigure stderr -buffering none -encoding utf-8 -translation lf
    close stdin
    set input [chan create read ::parley::channels::input]
    fconfigure $input -encoding utf-8 -translation lf -buffering line
    interp create user
}

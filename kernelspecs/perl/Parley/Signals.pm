package Parley::Signals;
# SIGINT is an exception while a cell runs, and nothing otherwise (section 7 of the protocol).
use strict; use warnings;

{ package Parley::Interrupt; use overload '""' => sub { "interrupted\n" }, fallback => 1 }

my ($running, $told, $users, $status, $reaped, $early, $struck);

# One that comes before its cell has begun waits for it.
sub interrupt {
    return $early = !Parley::Frames::at_rest() unless $running;
    $struck = 1;
    die bless {}, 'Parley::Interrupt';
}

# What was meant for a cell that is over is for no other one.
sub forget_interrupt { $early = $struck = 0 }
sub wait_for_request { $early &&= Parley::Frames::request_here() }

sub take_early { kill INT => $$ if $early; $early = 0 }
sub struck { $struck }

sub on_int {
    if (!Parley::Frames::ours()) { $SIG{INT} = 'DEFAULT'; kill INT => $$ }      # a child that a cell has forked
    $told = 1;
    interrupt();
}

# SIGURG follows every SIGINT. It is needed where Perl itself ignores SIGINT: while system() waits. Dying in
# the midst of that would leave it half done, so both signals are sent again: the child ends if it has not been there
# the first time, and SIGURG arrives when system() is over.
sub on_urg {
    return $told = 0 if $told || !$running || !Parley::Frames::ours() || !ours($SIG{INT});
    return kill(INT => -$$) && kill URG => $$ if ignored();
    interrupt();
}

sub ours { my ($handler) = @_; ref $handler eq 'CODE' && $handler == \&on_int }

sub ignored {
    open my $status, '<', '/proc/self/status' or return 0;
    local $/;
    return <$status> =~ /^SigIgn:\s*([0-9a-f]+)/m && hex(substr $1, -1) & 2;
}

# `$SIG{INT} = sub {...}` of a cell holds while cells run.
sub begin_cell {
    ($told, $running, $status) = (0, 1, $?);
    $reaped = reaped() if ended_by_int();
    $SIG{INT} = $users if $users;
}

# The child of system() has died of SIGINT and the cell is over, but SIGURG has yet to come.
sub await_urg {
    return unless ended_by_int() && !$told && ours($SIG{INT});
    select undef, undef, undef, 0.5 if $? != $status || reaped() != $reaped;
}

sub ended_by_int { ($? & 127) == 2 }

# Grows with every child that has been waited for: the page faults of all of them.
sub reaped {
    open my $stat, '<', '/proc/self/stat' or return 0;
    my $line = <$stat> // '';
    return (split ' ', $line =~ s/.*\)//sr)[8] // 0;
}

sub end_cell {
    $running = 0;
    my $set = $SIG{INT};
    $users = !defined $set || $set eq '' || $set eq 'DEFAULT' || ours($set) ? undef : $set;
    setup();
}

sub running { $running }

# A pipe without a reader costs the cell, not the session.
sub on_pipe { die "SIGPIPE: nobody reads the pipe any more" if $running; }

sub setup {
    $SIG{INT} = \&on_int;
    $SIG{URG} = \&on_urg unless ref $SIG{URG};
    $SIG{PIPE} = \&on_pipe unless $SIG{PIPE};
}

1;

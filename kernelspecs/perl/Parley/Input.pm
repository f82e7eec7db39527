package Parley::Input;
# Standard input of the cells: reading asks the user. One answer is one line.
use strict; use warnings;

my $rest = '';

# undef when the user has ended the input.
sub ask { my ($prompt, $password) = @_;
    Parley::Frames::ours() or die "nobody can be asked: a process that a cell has forked has no input\n";
    Parley::flush();
    my $reply = Parley::Frames::question("$prompt", $password);
    return $reply->{value} // '' if $reply->{status} eq 'ok';
    return undef if $reply->{status} eq 'eof';
    die +(length($reply->{evalue} // '') ? $reply->{evalue} : 'nobody can be asked') . "\n";
}

sub setup { tie *STDIN, 'Parley::Input'; tie *ARGV, 'Parley::Input' }

# What a cell has not read is not for the next one.
sub forget { $rest = '' }

sub line {
    if ($rest eq '') { my $answer = ask(''); $rest = "$answer\n" if defined $answer }
    return undef if $rest eq '';
    my $at = defined $/ && length $/ ? index $rest, $/ : -1;
    return substr $rest, 0, $at < 0 ? length $rest : $at + length $/, '';
}

sub TIEHANDLE { bless [], shift }

sub READLINE {
    return line() unless wantarray;
    my @lines;                                               # an empty answer ends a list: there is no Ctrl-D
    while (defined(my $line = line())) { last if $line eq "\n"; push @lines, $line }
    return @lines;
}

sub GETC { my $line = line(); return undef unless defined $line; $rest = substr($line, 1) . $rest; substr $line, 0, 1 }

sub READ { my (undef, undef, $length, $offset) = @_;
    my $line = line() // return 0;
    $rest = substr($line, $length, length $line, '') . $rest if length $line > $length;
    $_[1] //= '';
    substr($_[1], $offset // 0) = $line;
    return length $line;
}

sub EOF { 0 } sub FILENO { 0 } sub BINMODE { 1 }
sub CLOSE { 1 }

# `open STDIN, '<', $file` is the user's own input from now on.
sub OPEN { my ($self, $mode, @rest) = @_; no warnings 'untie'; untie *STDIN; return @rest ? open(STDIN, $mode, @rest) : open(STDIN, $mode) }

1;

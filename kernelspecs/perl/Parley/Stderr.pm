package Parley::Stderr;
# Standard output and standard error are two pipes. What is printed on STDERR keeps its place among what is printed
# on STDOUT because the bridge has the server empty both pipes before it, and again behind it (section 6, `sync`).
use strict; use warnings;

open my $real, '>&=', 2 or die "descriptor 2: $!";
binmode $real, ':utf8';
$real->autoflush(1);

sub setup { tie *STDERR, 'Parley::Stderr' unless tied *STDERR }

sub ordered { my ($text) = @_;
    my $ours = Parley::Frames::ours();
    if ($ours) { Parley::flush(); Parley::Frames::send_and_wait('sync', {}) }
    my $done = do { local ($,, $\); print {$real} $text };
    Parley::Frames::send_and_wait('sync', {}) if $ours;
    return $done;
}

sub TIEHANDLE { bless [], shift }
sub PRINT  { my $self = shift; ordered(join($, // '', @_) . ($\ // '')) }
sub PRINTF { my ($self, $format, @rest) = @_; ordered(sprintf $format, @rest) }
sub WRITE  { my ($self, $text, $length, $offset) = @_; $text = substr $text, $offset // 0, $length // length $text; ordered($text) && length $text }
sub BINMODE { my ($self, $layer) = @_; binmode $real, $layer // ':raw' }
sub FILENO { 2 }
sub FETCH  { $real }                                        # *STDERR{IO}->flush and other functions written in C
sub CLOSE  { 1 }

# What the user makes of STDERR is a plain handle until the end of the cell.
sub OPEN { my ($self, $mode, @rest) = @_; no warnings 'untie'; untie *STDERR; return @rest ? open(STDERR, $mode, @rest) : open(STDERR, $mode) }

1;

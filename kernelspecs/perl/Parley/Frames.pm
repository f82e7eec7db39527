package Parley::Frames;
# Frames on descriptors 3 and 4: sections 2 and 6 of the protocol.
use strict; use warnings;
use IO::Handle; use JSON::PP ();

open my $requests, '<&=', 3 or die "descriptor 3: $!";      # Perl marks both close-on-exec
open my $events,   '>&=', 4 or die "descriptor 4: $!";
binmode $_ for $requests, $events;
my $json = JSON::PP->new->utf8->allow_nonref->allow_blessed->convert_blessed;
my ($buffer, $number, $process) = ('', 0, $$);

# A process or a thread that a cell has made is not the bridge: it has the descriptors but no say.
sub ours { $$ == $process && !($INC{'threads.pm'} && threads->tid) }

sub send_frame { my ($type, $content, %head) = @_;
    local ($,, $\);
    my $bytes = $json->encode({ msg_type => $type, %head }) . "\n" . $json->encode($content) . "\n";
    my ($written, @thrown) = (0);
    local ($@, $SIG{PIPE}) = ('', 'IGNORE');
    no warnings 'uninitialized';
    # A handler may die between two statements: then the frame is written to its end all the same.
    until ($written >= length $bytes) {
        eval {
            $written += syswrite $events, $bytes, length($bytes) - $written, $written;
            CORE::exit(0) if $!{EPIPE} && $written < length $bytes;      # the server is gone
            1;
        } or push @thrown, $@;
    }
    die $thrown[0] if @thrown;
}

# Order rule 2: returns when the server has taken the frame, and what was printed before.
sub send_and_wait { my ($type, $content, %head) = @_;
    my $seq = ++$number;
    send_frame($type, $content, %head, ack => JSON::PP::true(), seq => $seq);
    answer_to('ack', 'seq', $seq);
    return;
}

# The answer to a question; what answers an older one, which was interrupted, is dropped.
sub question { my ($prompt, $password) = @_;
    my $id = ++$number;
    send_frame('input_request', { prompt => $prompt, password => $password ? JSON::PP::true() : JSON::PP::false() }, id => $id);
    return answer_to('input_reply', 'id', $id);
}

# A signal handler may print while nothing runs, and a request come before the answer: it is kept.
my @kept;
sub answer_to { my ($type, $key, $value) = @_;
    while (1) {
        my ($head, $content) = next_frame() or CORE::exit(0);
        return $content if $head->{msg_type} eq $type && $head->{$key} == $value;
        push @kept, [$head, $content] if $head->{msg_type} =~ /_request\z/;
    }
}

my $resting;
sub next_request {
    return @{ shift @kept } if @kept;
    $resting = 1;
    my @frame = next_frame();
    $resting = 0;
    return @frame;
}

# Nothing to do, and nothing on its way.
sub at_rest { $resting && !request_here() }

sub request_here {
    return 1 if length $buffer;
    vec(my $bits = '', fileno $requests, 1) = 1;
    return select($bits, undef, undef, 0) > 0;
}

# Head and content; nothing when the server is gone. An interrupt may come while it waits: the bytes read so
# far stay in the buffer.
sub next_frame {
    until ($buffer =~ /\n.*\n/) {
        my $count = sysread $requests, $buffer, 65536, length $buffer;
        return if defined $count ? !$count : !$!{EINTR};
    }
    my ($head, $content) = map { $json->decode($_) } (split /\n/, $buffer, 3)[0, 1];
    $buffer =~ s/\A.*\n.*\n//;
    skip_bytes($_) for @{ $head->{buffers} // [] };
    return ($head, $content);
}

sub skip_bytes { my ($count) = @_;
    while (length $buffer < $count) { sysread($requests, $buffer, 65536, length $buffer) or return }
    substr $buffer, 0, $count, '';
}

1;

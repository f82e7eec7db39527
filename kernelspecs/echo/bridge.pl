#!/usr/bin/env perl
# A complete Parley bridge for "echo", a toy language of one command a line. README.md walks through it.
use strict; use warnings; use IO::Handle; use JSON::PP;

open my $requests, '<&=', 3 or die "descriptor 3: $!";      # Perl marks both close-on-exec
open my $events,   '>&=', 4 or die "descriptor 4: $!";
$_->autoflush(1) for $events, *STDOUT, *STDERR;             # order rule 1: print, flush, then the frame
binmode $_, ':utf8' for *STDOUT, *STDERR;
my $json = JSON::PP->new->utf8->canonical;
my ($seq, $question) = (0, 0);

sub send_frame { my ($head, $content) = @_; print {$events} $json->encode($head), "\n", $json->encode($content), "\n" }

sub read_frame {                                            # head, content; exits when the server is gone
    defined(my $line = <$requests>) or exit 0;
    my $head = $json->decode($line);
    my $content = $json->decode(scalar <$requests>);
    read $requests, my $buffer, $_ for @{ $head->{buffers} || [] };
    return ($head, $content);
}

sub answer_to { my ($type, $key, $value) = @_;              # skips what answers an abandoned question
    while (1) { my ($head, $content) = read_frame(); return $content if $head->{msg_type} eq $type && ($head->{$key} // -1) == $value }
}

sub display { my ($type, $data) = @_;                       # order rule 2: wait, so that what is printed next comes next
    send_frame({ msg_type => $type, ack => JSON::PP::true, seq => ++$seq }, { data => $data, metadata => {} });
    answer_to('ack', 'seq', $seq);
}

my %command = (
    stderr => sub { print STDERR "$_[0]\n" },
    html   => sub { display('display_data', { 'text/html' => $_[0], 'text/plain' => $_[0] }) },
    result => sub { display('execute_result', { 'text/plain' => $_[0] }) },
    error  => sub { die { ename => 'EchoError', evalue => $_[0] } },
    loop   => sub { 1 while 1 },
    ask    => sub {
        send_frame({ msg_type => 'input_request', id => ++$question }, { prompt => $_[0], password => JSON::PP::false });
        my $reply = answer_to('input_reply', 'id', $question);
        die { ename => $reply->{ename} // 'EOFError', evalue => $reply->{evalue} // 'no answer' } if $reply->{status} ne 'ok';
        print "$reply->{value}\n";
    },
);

my %answer = (
    execute_request => sub { my ($code) = $_[0]{code};
        eval {
            local $SIG{INT} = sub { die { ename => 'Interrupt', evalue => 'interrupted' } };
            $code =~ s/\\\n//g;                             # a backslash joins two lines
            for my $line (grep /\S/, split /\n/, $code) {
                my ($word, $rest) = $line =~ /^(\S+) ?(.*)/;
                $command{$word // ''} ? $command{$word}->($rest) : print "$line\n";
            }
            1;
        } and return { status => 'ok' };
        my $error = ref $@ ? $@ : { ename => 'BridgeError', evalue => "$@" };
        $error->{traceback} = ["$error->{ename}: $error->{evalue}"];
        send_frame({ msg_type => 'error' }, $error);
        return { status => 'error', %$error };
    },
    complete_request => sub { my ($code, $pos) = @{ $_[0] }{qw(code cursor_pos)};
        my ($start) = substr($code, 0, $pos) =~ /(\w*)$/;   # characters are code points, as in cursor_pos
        return { status => 'ok', matches => [ sort grep { /^\Q$start\E/ } keys %command ], cursor_start => $pos - length $start, cursor_end => $pos, metadata => {} };
    },
    is_complete_request => sub { $_[0]{code} =~ /\\$/ ? { status => 'incomplete', indent => '' } : { status => 'complete' } },
);

$SIG{INT} = 'IGNORE';                                       # while nothing runs, an interrupt means nothing
send_frame({ msg_type => 'kernel_info_reply', id => 0 }, { bridge_protocol => 1, banner => 'Echo', capabilities => [qw(complete is_complete)],
    language_info => { name => 'echo', version => '1.0', mimetype => 'text/plain', file_extension => '.txt' } });
while (my ($head, $content) = read_frame()) {
    exit 0 if $head->{msg_type} eq 'shutdown_request';
    my $handler = $answer{ $head->{msg_type} } or next;     # a late ack, or an answer nobody waits for
    (my $type = $head->{msg_type}) =~ s/request$/reply/;
    send_frame({ msg_type => $type, id => $head->{id} }, $handler->($content));
}

package Parley::Server;
# From request to request.
use strict; use warnings;
use Scalar::Util (); use overload ();

my ($folder) = __FILE__ =~ m{(.*)/};

# Loaded when first asked.
sub load { my ($module) = @_; require "$folder/$module.pm"; return "Parley::$module" }
sub later { my ($module) = @_; sub { load($module)->can('reply')->(@_) } }

my %answer = (
    execute_request     => \&Parley::Cells::run,
    complete_request    => later('Completion'),
    inspect_request     => later('Inspection'),
    is_complete_request => later('Completeness'),
);

sub serve {
    streams();
    Parley::Input::setup();
    Parley::Signals::setup();
    Parley::Frames::send_frame('kernel_info_reply', { bridge_protocol => 1, banner => "Perl $^V", capabilities => [qw(complete inspect is_complete)],
        language_info => { name => 'perl', version => sprintf('%vd', $^V), mimetype => 'text/x-perl', file_extension => '.pl',
            codemirror_mode => 'perl', pygments_lexer => 'perl', nbconvert_exporter => 'script' } }, id => 0);
    while (my ($head, $content) = request()) {
        last if $head->{msg_type} eq 'shutdown_request';
        my $handler = $answer{ $head->{msg_type} } or next;  # a late ack, an answer nobody waits for
        my $reply = guarded($handler, $content);
        (my $type = $head->{msg_type}) =~ s/request\z/reply/;
        Parley::Input::forget();
        streams();
        Parley::flush();
        Parley::Signals::forget_interrupt();
        Parley::Frames::send_frame($type, $reply, id => $head->{id});
        Parley::Signals::wait_for_request();
    }
}

# A program may close its output as its last act, or send it elsewhere. The cells that follow still have theirs.
my (@kept, @place);
sub streams {
    my @streams = (*STDOUT, *STDERR);
    for my $number (0, 1) {
        my $fd = $number + 1;
        if (!$kept[$number]) {
            open $kept[$number], '>&', $streams[$number] or die "dup: $!";
            $place[$number] = place($fd);
        }
        elsif (place($fd) ne $place[$number]) { require POSIX; Parley::flush(); POSIX::dup2(fileno $kept[$number], $fd) or next }
        elsif ((fileno $streams[$number] // -1) == $fd) { next }
        (fileno $streams[$number] // -1) == $fd or open $streams[$number], '>&=', $fd or next;
        binmode $streams[$number], ':utf8';
        $streams[$number]->autoflush(1);
    }
    Parley::Stderr::setup();
}

sub place { my ($fd) = @_; join ' ', (stat "/proc/self/fd/$fd")[0, 1] }

# A handler of the user for SIGALRM and its like may die while nothing runs.
sub request {
    while (1) {
        my @frame;
        return @frame if eval { @frame = Parley::Frames::next_request(); 1 };
        print STDERR $@;
    }
}

sub guarded { my ($handler, $content) = @_;
    local ($_, $/) = (undef, "\n");
    return eval { $handler->($content) } // { status => 'error', ename => 'BridgeError', evalue => "$@", traceback => ["$@"] };
}

1;

package Parley::Completeness;
# Whether a front end should run the code or give it another line. Perl's own parser says so, in a child, since
# BEGIN blocks and `use` run while it parses.
use strict; use warnings;

use constant SECONDS => 2;

my $more = qr/\bat EOF\b|Missing right curly|Can't find string terminator|not terminated|at end of line|anywhere before EOF/;

sub reply { my ($request) = @_;
    my $code = $request->{code};
    my $message = parse($code);
    return { status => 'unknown' } unless defined $message;
    return { status => 'complete' } if $message eq '';
    my ($first) = $message =~ /\A([^\n]*)/;
    return { status => 'invalid' } if $first !~ $more || $message =~ /Unmatched right/;
    return { status => 'incomplete', indent => $first =~ /terminat/ ? '' : indent($code) };
}

# What Perl says against it; undef if it did not come to an end.
sub parse { my ($code) = @_;
    pipe my $read, my $write or return;
    my $pid = fork // return;
    if (!$pid) {
        $SIG{ALRM} = $SIG{INT} = 'DEFAULT';
        alarm SECONDS;
        POSIX::close($_) for do { require POSIX; 3, 4 };
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        local $SIG{__WARN__} = sub { };
        local $Parley::Cells::code = "return 1;\n#line 1 \"cell\"\n$code";
        utf8::upgrade($Parley::Cells::code);
        Parley::Cells::scope()->();
        my $message = "$@";
        utf8::encode($message);
        syswrite $write, "$message\0";
        kill KILL => $$;                                     # neither END blocks nor destructors
    }
    close $write;
    local $/;
    my $message = <$read>;
    waitpid $pid, 0;
    return defined $message && $message =~ s/\0\z// ? $message : undef;
}

sub indent { my ($code) = @_;
    my ($line) = reverse grep { /\S/ } split /\n/, $code;
    my ($indent) = ($line // '') =~ /\A(\s*)/;
    return $indent . (($line // '') =~ /[\{\[(]\s*(?:#.*)?\z/ ? '    ' : '');
}

1;

package Parley::Cells;
# Cells are string evals, and `my` variables end with theirs. So that they live on:
# - when a cell has been compiled, `capture` takes references to the lexicals in scope at its end, and notes
#   the pragmas in force. The variables stay whatever becomes of the cell: its end, an error, an interrupt.
# - the next cell is compiled inside of a closure over these very variables (`scope`), under these pragmas.
# Nothing of the cell's text is rewritten; a second `my $x` hides the first, and old closures keep theirs.
use strict; use warnings;
use B ();

our (%lexicals, %globals, @value, $code);                    # name with sigil => reference, package
our ($hints, $warnings, %hints) = (0, undef);
my ($scope, $fresh);
my (%sources, @stack);
my ($compiled, $held);                                      # the warnings of a compilation that may be repeated

sub sources { \%sources }

# Called by the last line of a cell, at the end of its compilation.
sub capture { my ($inner) = @_;
    my $cell = B::svref_2object($inner)->OUTSIDE->OUTSIDE;   # the sub, its BEGIN block, the cell
    my ($names, $values) = map { [$_->ARRAY] } $cell->PADLIST->ARRAY;
    for my $index (1 .. $#$names) {
        my $name = $names->[$index];
        next unless ref $name eq 'B::PADNAME' && length($name->PV // '') > 1;
        next if $name->FLAGS & 1                             # an older cell's
            || $name->COP_SEQ_RANGE_HIGH != 0xffff_ffff || $name->COP_SEQ_RANGE_LOW == 0xffff_ffff;     # a block's
        my $text = $name->PV;
        utf8::decode($text);
        delete @$_{$text} for \%lexicals, \%globals;
        if ($name->FLAGS & 16) { $globals{$text} = $name->OURSTASH->NAME }
        else { $lexicals{$text} = $values->[$index]->object_2svref }
        $fresh = 0;
    }
    no warnings 'uninitialized';
    $fresh = 0 if $hints != $^H || $warnings ne ${^WARNING_BITS} || join(',', %hints) ne join(',', %^H);
    ($hints, $warnings, %hints) = ($^H, ${^WARNING_BITS}, %^H);
}

# Evaluates $Parley::Cells::code where all lexicals of the cells before are visible.
sub scope {
    return $scope if $fresh;
    my $text = "package main; no strict; no warnings; use feature 'refaliasing', 'lexical_subs';\n";
    for (sort keys %lexicals) {
        my $name = substr $_, 1;
        $text .= /^&/ ? "my sub $name; \\&$name = \$Parley::Cells::lexicals{'$_'};\n" : "\\my $_ = \$Parley::Cells::lexicals{'$_'};\n";
    }
    $text .= "package $globals{$_}; our $_;\n" for sort keys %globals;
    my $mention = join ' ', map { "\\$_;" } sort keys %lexicals;
    $text .= "package main; sub { if (0) { $mention } BEGIN { Parley::Cells::restore() } eval \$Parley::Cells::code }";
    utf8::upgrade($text);
    $scope = build($text) or die "the variables of the cells cannot be brought back: $@";
    $fresh = 1;
    return $scope;
}

sub restore { ($^H, ${^WARNING_BITS}, %^H) = ($hints, $warnings, %hints) }

# The content of execute_reply.
sub run { my ($request) = @_;
    my $file = "In[$request->{execution_count}]";
    $sources{$file} = [split /\n/, $request->{code}];
    my $found = Parley::Source::analyse($request->{code});
    if (defined $found->{data}) { my $data = $found->{data}; utf8::encode($data); no warnings 'once'; open main::DATA, '<:utf8', \$data }
    local $0 = $file;
    @value = @stack = ();
    my $error = evaluate($found, $file);
    my @shown = splice @value;
    leave_fork($error) unless Parley::Frames::ours();
    $error //= show($request, @shown) if @shown && !$request->{silent} && (@shown > 1 || defined $shown[0]);
    return failed($error) if defined $error;
    return { status => 'ok', user_expressions => expressions($request->{user_expressions}), payload => [] };
}

# undef, or what went wrong.
sub evaluate { my ($found, $file) = @_;
    if ($found->{expression}) {
        $held = [];
        my $error = attempt(Parley::Source::with_value($found), $file);
        return $error if $compiled || Parley::Signals::struck();
    }
    $held = undef;
    return attempt($found->{code}, $file);                   # it was no expression, or it is wrong by itself
}

sub attempt { my ($text, $file) = @_;
    $compiled = 0;
    $code = qq(#line 1 "$file"\n$text\n;BEGIN { Parley::Cells::compiled(sub {}) });
    utf8::upgrade($code);
    my $error;
    my $place = eval { scope() };                             # not to be cut off
    my $why = $@;
    Parley::Signals::begin_cell();
    take_handlers();
    # Interrupts die until end_cell has come to its end, a second one on the way there, too.
    my ($begun, $ended);
    until ($ended) {
        local $@;
        eval { run_at($place, $why, \$error) unless $begun++; Parley::Signals::end_cell(); $ended = 1 } or $error //= $@;
    }
    keep_handlers();
    return $error;
}

sub run_at { my ($place, $why, $error) = @_;
    Parley::Signals::take_early();
    $place or die $why;
    $place->();
    $$error = $@ if ref $@ || length $@;
    Parley::Signals::await_urg();
}

sub compiled {
    $compiled = 1;
    capture($_[0]);
    my $warnings = $held // [];
    $held = undef;
    warning($_) for @$warnings;
}

# A process made by fork comes out of the cell here. Its parent answers, not it.
sub leave_fork { my ($error) = @_;
    if (defined $error && ref $error ne 'Parley::Exit') { print STDERR $error; CORE::exit(255) }
    CORE::exit(ref $error ? $error->{status} : 0);
}

sub show { my ($request, @values) = @_;
    my $error;
    eval {
        Parley::publish('execute_result', { data => Parley::bundle(@values), metadata => {}, execution_count => $request->{execution_count} });
        1;
    } or $error = $@;
    return $error;
}

sub expressions { my ($asked) = @_;
    my %reply;
    for my $name (keys %{ $asked // {} }) {
        local $code = "\@Parley::Cells::value = (\n#line 1 \"(expression)\"\n$asked->{$name}\n)";
        utf8::upgrade($code);
        @value = ();
        scope()->();
        my @values = splice @value;
        $reply{$name} = length $@ ? describe($@) : { status => 'ok', data => Parley::bundle(@values == 1 ? $values[0] : @values), metadata => {} };
    }
    return \%reply;
}

# -- warnings and errors --------------------------------------------------------------------------

# Handlers that a cell has set hold while cells run.
my %ours = (__WARN__ => \&warning, __DIE__ => \&remember);
my %theirs;
sub take_handlers { $SIG{$_} = $theirs{$_} // $ours{$_} for keys %ours }
sub keep_handlers {
    for (keys %ours) { my $set = $SIG{$_}; $theirs{$_} = ref $set && $set != $ours{$_} ? $set : undef; $SIG{$_} = 'DEFAULT' }
}

sub warning { my ($text) = @_;
    return push @$held, $text if $held;
    print STDERR tidy($text);
}

# Text without the frames of the bridge (Carp lists them) and what Perl says of the bridge's last line.
sub tidy { my ($text) = @_;
    $text =~ s/^BEGIN not safe after errors.*\n//m;
    $text =~ s/\teval '#line 1 "In\[.*?Parley::Server::serve\(\) called at \S+ line \d+\.?\n?//s;
    $text =~ s/#line 1 "In\[\d+\]"\n\s*//g;
    $text =~ s{ at \S+/Parley/\w+\.pm line \d+\.?$}{}mg;
    return $text;
}

# Where it was, since `die` unwinds before anybody can look.
sub remember {
    @stack = ();
    my $depth = 0;
    while (my ($package, $file, $line, $name) = caller $depth++) { push @stack, [$file, $line, $name]; last if @stack > 60 }
}

sub failed { my ($error) = @_;
    my $reply = describe($error);
    Parley::flush();
    Parley::Frames::send_and_wait('error', { map { $_ => $reply->{$_} } qw(ename evalue traceback) });
    return $reply;
}

sub describe { my ($error) = @_;
    my $class = ref $error;
    my $text = eval { $class && !overload::Method($error, '""') ? Parley::Show::text($error) : "$error" } // "(an error that has no text: $@)";
    $text = tidy($text);
    $text =~ s/(In\[\d+\]) line (\d+)/"$1 line " . inside($1, $2)/ge;
    chomp $text;
    my $name = $class || ($compiled ? 'Error' : $text =~ /\A(?:Can't locate \S+\.pm|.*\nBEGIN failed)/ ? 'Error' : 'SyntaxError');
    ($name, $text) = ('Interrupt', 'interrupted') if $class eq 'Parley::Interrupt';
    ($name, $text) = ('Exit', "exit with status $error->{status}: the cell has ended, Perl goes on") if $class eq 'Parley::Exit';
    return { status => 'error', ename => $name, evalue => $text, traceback => ["\e[31m$name\e[0m: \e[1m$text\e[0m", trace($text)] };
}

# The end of a cell is in its last line, not in what the bridge has put behind it.
sub inside { my ($file, $line) = @_; my $lines = $sources{$file} or return $line; $line > @$lines ? scalar @$lines || 1 : $line }

# The lines of cells on the way to the error, the innermost first.
sub trace { my ($text) = @_;
    my @places = map { [$_->[0], $_->[1]] } @stack;
    @places = ([$1, $2]) if !$compiled && $text =~ /(In\[\d+\]) line (\d+)/;
    @places = ([$1, $2]) if !@places && $text =~ /(In\[\d+\]) line (\d+)/;
    my (@lines, %seen);
    for my $place (@places) {
        my ($file, $line) = @$place;
        next if $file =~ m{/Parley/\w+\.pm\z|/bridge\.pl\z|/Carp\.pm\z|\A\(eval} || $seen{"$file:$line"}++;
        my $source = ($sources{$file} // [])->[$line - 1];
        push @lines, "  $file, line $line", defined $source ? '    ' . ($source =~ s/\A\s+//r) : ();
        last if @lines > 40;
    }
    return @lines;
}

# -- exit -----------------------------------------------------------------------------------------

# `exit` ends the cell; in a process that the cell has forked it is Perl's own.
*CORE::GLOBAL::exit = sub (;$) {
    my $status = $_[0] // 0;
    CORE::exit($status) unless Parley::Frames::ours() && Parley::Signals::running();
    die bless { status => $status }, 'Parley::Exit';
};

# Last in this file, away from our own variables.
sub build { eval $_[0] }

1;

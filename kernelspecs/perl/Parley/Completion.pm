package Parley::Completion;
# Completion from the lexicals of the cells, the symbol tables, @INC and the hashes that are there. It runs no code.
use strict; use warnings;
use B (); use mro (); use Scalar::Util qw(blessed reftype);

use constant MOST => 1000;

no warnings 'qw';                                            # $, is a name here
my @special = qw($_ $. $/ $\ $, $; $! $@ $$ $0 $1 $& $ARGV @ARGV %ENV @INC %INC %SIG @_ $^W $^O $^V $^X);
my @keywords = qw(if unless else elsif while until for foreach do eval sub package use no require my our local state return
    last next redo and or not xor eq ne lt gt le ge cmp x qw qq qr);

sub reply { my ($request) = @_;
    my ($code, $position) = @$request{qw(code cursor_pos)};
    $position = length $code if !defined $position || $position > length $code;
    my $before = substr $code, 0, $position;
    my ($start, @found) = candidates($before);
    my $typed = substr $before, $start;
    my %seen;
    @found = sort { $a->[0] cmp $b->[0] } grep { index($_->[0], $typed) == 0 && !$seen{ $_->[0] }++ } @found;
    splice @found, MOST if @found > MOST;
    return { status => 'ok', matches => [map { $_->[0] } @found], cursor_start => $start + 0, cursor_end => $position + 0,
        metadata => { _jupyter_types_experimental => [map { { text => $_->[0], type => $_->[1], start => $start + 0, end => $position + 0 } } @found] } };
}

# Where the name begins, and [name, type] of all that could stand there.
sub candidates { my ($before) = @_;
    my $line = ($before =~ /([^\n]*)\z/)[0];
    return length $before if $line =~ /(?:\A|\s)#/ && $line !~ /["'\/]/;
    my $at = sub { length($before) - length $_[0] };
    return ($at->($2), modules($2)) if $line =~ /\b(use|no|require)\s+([\w:]*)\z/;
    return ($at->($3), hash_keys($1, defined $2 ? '%' : '$')) if $line =~ /\$(\w+)(?:->|())\{\s*(["']?\w*)\z/;
    return ($at->($2), methods($1)) if $line =~ /(\$?\w+(?:::\w+)*)->(\w*)\z/;
    return ($at->($1), variables($1)) if $line =~ /((?:\$#?|[\@%&])\{?\^?[\w:]*)\z/ && $line !~ /\w\s*[%&]\z/;
    return ($at->($2), names($2)) if $line =~ /(\A|[^\w:\$\@%&])([\w:]*)\z/ && length $2;
    return ($at->($2), files($2)) if $line =~ /(["'])([^"'\s]*)\z/;
    return length $before;
}

# Modules below the folders of @INC, one level at a time.
sub modules { my ($typed) = @_;
    my ($path) = $typed =~ /\A(.*::)?/;
    (my $folder = $path // '') =~ s{::}{/}g;
    my @found;
    for my $root (grep { !ref } @INC) {
        opendir my $handle, "$root/$folder" or next;
        for (readdir $handle) {
            if (/\A([A-Za-z_]\w*)\.pm\z/) { push @found, [($path // '') . $1, 'module'] }
            elsif (/\A([A-Z]\w*)\z/ && -d "$root/$folder$_") { push @found, [($path // '') . "$1::", 'module'] }
        }
    }
    return @found, map { [$_, 'keyword'] } qw(strict warnings utf8 feature lib);
}

# A variable of the cells as a reference, by its name with sigil.
sub reference { my ($name) = @_;
    return $Parley::Cells::lexicals{$name} if $Parley::Cells::lexicals{$name};
    my ($sigil, $bare) = $name =~ /\A([\$\@%])(.+)\z/ or return;
    my $package = $Parley::Cells::globals{$name} // 'main';
    $bare = "${package}::$bare" unless $bare =~ /::/;
    no strict 'refs';
    return unless exists_global($bare);
    return *{$bare}{ { '$' => 'SCALAR', '@' => 'ARRAY', '%' => 'HASH' }->{$sigil} };
}

sub exists_global { my ($name) = @_;
    my ($package, $last) = $name =~ /\A(.*)::(.+)\z/;
    my $stash = stash($package) or return;
    return exists $stash->{$last} && ref \$stash->{$last} eq 'GLOB';
}

sub stash { my ($package) = @_;
    my $stash = \%main::;
    for (split /::/, $package) { next if $_ eq 'main' || $_ eq ''; return unless exists $stash->{"$_\::"}; $stash = \%{ $stash->{"$_\::"} } }
    return $stash;
}

sub hash_keys { my ($name, $kind) = @_;
    my $reference = $kind eq '%' ? reference("%$name") : ${ reference("\$$name") // \undef };
    return unless ref $reference && reftype $reference eq 'HASH' && !tied %$reference;
    return map { [$_, 'property'] } grep { /\A\w+\z/ } keys %$reference;
}

sub methods { my ($of) = @_;
    my $class = $of;
    if ($of =~ /\A\$/) { my $value = ${ reference($of) // \undef }; $class = blessed $value // return }
    return unless stash($class);
    my @found;
    for my $package (@{ mro::get_linear_isa($class) }, 'UNIVERSAL') {
        push @found, map { [$_, 'method'] } subs($package);
    }
    return @found;
}

sub subs { my ($package) = @_;
    my $stash = stash($package) or return;
    return grep { /\A[A-Za-z_]\w*\z/ && (ref \$stash->{$_} ne 'GLOB' || defined *{ $stash->{$_} }{CODE}) } keys %$stash;
}

# `$x`, `@x`, `%x`, `&f`, with packages; an element of @x and %x begins with `$`, too.
sub variables { my ($typed) = @_;
    my ($sigil, $brace, $package) = $typed =~ /\A(\$#?|[\@%&])(\{?)((?:\w+::)*)/;
    my $prefix = "$sigil$brace$package";
    my %slots = ('$' => [qw($ @ %)], '$#' => ['@'], '@' => [qw(@ %)], '%' => ['%', '@'], '&' => ['&']);
    my @names;
    for my $slot (@{ $slots{$sigil} }) {
        push @names, map { substr $_, 1 } grep { index($_, $slot) == 0 } keys %Parley::Cells::lexicals, keys %Parley::Cells::globals, @special unless length $package;
        push @names, globals($package || 'main', $slot);
    }
    return map { [$prefix . $_, $sigil eq '&' ? 'function' : 'variable'] } @names;
}

sub globals { my ($package, $slot) = @_;
    return subs($package) if $slot eq '&';
    my $stash = stash($package) or return;
    my $type = { '$' => 'SCALAR', '@' => 'ARRAY', '%' => 'HASH' }->{$slot};
    return grep { /\A[A-Za-z_]\w*\z/ && ref \$stash->{$_} eq 'GLOB' && has(\$stash->{$_}, $type) } keys %$stash;
}

sub has { my ($glob, $type) = @_;
    my $slot = *{$$glob}{$type};
    return $type eq 'SCALAR' ? defined $$slot || !defined *{$$glob}{CODE} && !defined *{$$glob}{HASH} && !defined *{$$glob}{IO} : defined $slot;
}

# Barewords: functions, packages, the language's own words.
sub names { my ($typed) = @_;
    my ($package) = $typed =~ /\A((?:\w+::)*)/;
    if (length $package) {
        my $stash = stash($package) or return;
        return (map { ["$package$_", 'function'] } subs($package)), map { ["$package$_", 'module'] } grep { /\A\w+::\z/ } keys %$stash;
    }
    return (map { [substr($_, 1), 'function'] } grep { /\A&/ } keys %Parley::Cells::lexicals), (map { [$_, 'function'] } subs('main')),
        (map { [$_, 'module'] } map { s/::\z//r } grep { /\A\w+::\z/ && !/\A(?:main|_)/ } keys %main::),
        (map { [$_, 'function'] } builtins()), map { [$_, 'keyword'] } @keywords;
}

sub builtins { require Pod::Functions; return grep { /\A[a-z]\w+\z/ } keys %Pod::Functions::Type }

sub files { my ($typed) = @_; (my $pattern = $typed) =~ s/([*?\[\]{}~\\ ])/\\$1/g; map { [-d $_ ? "$_/" : $_, 'path'] } glob "$pattern*" }

1;

package Parley::Source;
# As much of Perl's grammar as it takes to find where the program ends (__END__, POD) and whether its last
# statement is an expression, whose value is worth showing. A wrong guess costs the value, never the cell.
use strict; use warnings;

my %block = map { $_ => 1 } qw(if unless while until for foreach given when default package else elsif continue
    BEGIN END INIT CHECK UNITCHECK ADJUST try catch finally defer class method field format);
my %silent = (%block, map { $_ => 1 } qw(sub my our local state use no require print printf say push unshift open close binmode
    chomp chop die warn exit exec return last next redo goto select srand sleep utime chdir unlink mkdir rmdir opendir
    closedir tie untie seek delete undef));
# After these words comes an operand: a slash begins a pattern.
my %operand_next = map { $_ => 1 } qw(and or not xor if unless while until for foreach return print push unshift split grep map
    join lt gt le ge eq ne cmp x when say die);
my %closing = ('(' => ')', '[' => ']', '{' => '}', '<' => '>');

# { code, data, expression: [start, end] or undef, whole_hash: it is `%name`, which is shown as a hash }
sub analyse { my ($code) = @_;
    my %state = (depth => 0, heredocs => [], tokens => [], statements => [], end => length $code);
    pos($code) = 0;
    eval { 1 while token(\$code, \%state); 1 } or return { code => $code };
    my $rest = substr $code, $state{end};
    my ($data) = $rest =~ /\A__(?:END|DATA)__[^\n]*\n?(.*)\z/s;
    push @{ $state{statements} }, $state{tokens} if @{ $state{tokens} };
    my $last = $state{statements}[-1];
    my $expression = $state{depth} == 0 && $last && shows($last) ? [$last->[0]{start}, $last->[-1]{end}] : undef;
    my $whole_hash = $expression && @$last == 1 && $last->[0]{text} =~ /\A%/;
    return { code => substr($code, 0, $state{end}), data => $data, expression => $expression, whole_hash => $whole_hash };
}

# The code with its last expression's value kept in @Parley::Cells::value.
sub with_value { my ($found) = @_;
    my ($start, $end) = @{ $found->{expression} };
    my $code = $found->{code};
    substr($code, $end, 0) = ')';
    substr($code, $start, 0) = '@Parley::Cells::value = (' . ($found->{whole_hash} ? '\\' : '');
    return $code;
}

# Whether the tokens of a statement are an expression that does not print or assign by itself.
sub shows { my ($tokens) = @_;
    my ($first, $second) = @$tokens;
    return 0 if $first->{kind} eq 'word' && $silent{ $first->{text} } && !($first->{text} eq 'sub' && $second && $second->{text} eq '{');
    return 0 if $first->{text} =~ /\A(?:\{|->)\z/ || $first->{kind} eq 'word' && $second && $second->{text} eq ':';
    for my $token (grep { $_->{depth} == 0 } @$tokens) {
        return 0 if $token->{kind} eq 'op' && $token->{text} =~ /\A(?:=|[^=!<>]+=|<<=|>>=|\*\*=|<=(?=>)\z)\z/ && $token->{text} !~ /\A(?:==|!=|<=|>=|<=>|=~|=>)\z/;
        return 0 if $token->{kind} eq 'word' && $token->{text} =~ /\A(?:if|unless|while|until|for|foreach)\z/;
    }
    return 1;
}

# One token of the text; 0 at its end.
sub token { my ($code, $state) = @_;
    for ($$code) {
        if (/\G\n/gc) { heredoc_body($code, $state) ; return pod($code, $state) }
        return pod($code, $state) if pos == 0 && /\G(?==[a-zA-Z])/gc;
        return 1 if /\G[^\S\n]+/gc || /\G#[^\n]*/gc;
        return finish($state, pos) if /\G(?=__(?:END|DATA)__\b)/gc || /\G(?=[\x04\x1a])/gc;
        return 0 if /\G\z/gc;
        my $start = pos;
        my $kind = scan($code, $state);
        return add($state, $kind, $start, pos, substr $$code, $start, pos() - $start);
    }
}

sub finish { my ($state, $end) = @_; $state->{end} = $end; return 0 }

# At the beginning of a line.
sub pod { my ($code, $state) = @_;
    for ($$code) {
        my $start = pos;
        return 1 unless /\G=[a-zA-Z]/gc;
        return 1 if /\G.*?^=cut\b[^\n]*(?:\n|\z)/gcms;
        return finish($state, $start);
    }
}

sub operand_next { my ($state) = @_;
    my $last = $state->{tokens}[-1] or return 1;
    return 0 if $last->{kind} =~ /\A(?:term|variable)\z/;
    return $operand_next{ $last->{text} } || 0 if $last->{kind} eq 'word';
    return $last->{text} !~ /\A[\])}]\z|\A(?:\+\+|--)\z/;
}

sub scan { my ($code, $state) = @_;
    my $last = $state->{tokens}[-1];
    my $operand = operand_next($state);
    for ($$code) {
        return 'term' if /\G(?:0[xX][\da-fA-F_]+|0[bB][01_]+|(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?)/gc;
        return 'variable' if /\G(?:\$#?\$*(?:::)?\w+(?:(?:::|')\w+)*|\$#?(?=[\{\$])|\@(?:::)?\w+(?:::\w+)*|\@(?=[\$\{])|\$\^\w|\$[^\w\s])/gc;
        return 'variable' if $operand && /\G(?:%(?:::)?\w+(?:::\w*)*|%(?=[\$\{])|%[\^!+-]\w?|&\$*\w+(?:::\w+)*|&(?=[\$\{])|\*\w+(?:::\w+)*|\*(?=\{))/gc;
        if (/\G<<(~?)(?:(["'])(.*?)\g2|\\?([A-Za-z_]\w*))/gc) { push @{ $state->{heredocs} }, [$1, $3 // $4]; return 'term' }
        return word($code, $state, $1) if /\G((?:::)?[^\W\d]\w*(?:(?:::|'(?=[^\W\d]))\w+)*(?:::)?)/gc;
        if (/\G(["'`])/gc) { delimited($code, $1); return 'term' }
        if ($operand && m{\G/}gc) { delimited($code, '/'); /\G\w+/gc; return 'term' }
        if ($operand && /\G<[\$\w:]*>/gc) { return 'term' }
        return 'op' if /\G(?:<=>|\*\*=|\|\|=|&&=|\/\/=|\.\.\.|<<=|>>=|->|\+\+|--|\*\*|=~|!~|==|!=|<=|>=|=>|&&|\|\||\/\/|\.\.|::|[-+*\/.%x&|^]=|<<|>>|[^\s])/gc;
        die "no token\n";
    }
}

my %quote = (q => 1, qq => 1, qw => 1, qx => 1, qr => 1, m => 1, s => 2, tr => 2, y => 2);

sub word { my ($code, $state, $word) = @_;
    my $last = $state->{tokens}[-1];
    for ($$code) {
        return 'name' if $last && $last->{text} =~ /\A(?:->|sub|package|method)\z/ || /\G(?=\s*=>)/gc || $last && $last->{text} eq '{' && /\G(?=\s*\})/gc;
        my $parts = $quote{$word} or return 'word';
        /\G\s+(?!#)/gc if /\G(?=\s+[^\s\w,;)=])/;
        /\G([^\w\s,;)])/gc || ($word =~ /\Aqw?\z/ ? /\G\s+(\w)/gc : 0) or return 'word';
        my $open = $1;
        delimited($code, $open);
        if ($parts == 2) {
            if ($closing{$open}) { /\G\s*(?:#[^\n]*\n\s*)*(\S)/gc or die "open\n"; delimited($code, $1) } else { delimited($code, $open) }
        }
        /\G[a-z]+/gc if $word !~ /\Aq[qwx]?\z/;
        return 'term';
    }
}

# Up to the end of what an opening delimiter has begun.
sub delimited { my ($code, $open) = @_;
    my $close = $closing{$open};
    for ($$code) {
        unless ($close) { /\G(?:[^\\\Q$open\E]|\\.)*\Q$open\E/gcs or die "open\n"; return }
        my $depth = 1;
        while ($depth) {
            /\G[^\\\Q$open$close\E]+/gcs and next;
            /\G\\./gcs and next;
            if (/\G\Q$open\E/gc) { $depth++ } elsif (/\G\Q$close\E/gc) { $depth-- } else { die "open\n" }
        }
    }
}

sub heredoc_body { my ($code, $state) = @_;
    for ($$code) {
        while (my $heredoc = shift @{ $state->{heredocs} }) {
            my ($indented, $name) = @$heredoc;
            my $indent = $indented ? '[^\S\n]*' : '';
            /\G.*?^$indent\Q$name\E(?:\n|\z)/gcms or die "open\n";
        }
    }
}

# Depth, and where statements end.
sub add { my ($state, $kind, $start, $end, $text) = @_;
    $state->{depth}-- if $kind eq 'op' && $text =~ /\A[\])}]\z/;
    my $tokens = $state->{tokens};
    if ($kind eq 'op' && $text eq ';' && $state->{depth} == 0) {
        push @{ $state->{statements} }, $tokens if @$tokens;
        $state->{tokens} = [];
        return 1;
    }
    push @$tokens, { kind => $kind, text => $text, start => $start, end => $end, depth => $state->{depth} };
    $state->{depth}++ if $kind eq 'op' && $text =~ /\A[\[({]\z/;
    if ($kind eq 'op' && $text eq '}' && $state->{depth} == 0 && block_ends($tokens)) {
        push @{ $state->{statements} }, $tokens;
        $state->{tokens} = [];
    }
    return 1;
}

sub block_ends { my ($tokens) = @_;
    my ($first, $second) = @$tokens;
    return 1 if $first->{text} eq '{';
    return 1 if $first->{kind} eq 'word' && $second && $second->{text} eq ':';
    return 0 unless $first->{kind} eq 'word';
    my ($sub, $name) = $first->{text} =~ /\A(?:my|our|state)\z/ ? @$tokens[1, 2] : ($first, $second);
    return 1 if $sub && $sub->{text} eq 'sub' && $name && $name->{kind} eq 'name';
    return $block{ $first->{text} } || 0;
}

1;

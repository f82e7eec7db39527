package Parley::Show;
# Values as text that Perl can read: shorter than Data::Dumper's, keys sorted, numbers without quotes.
use strict; use warnings;
use B (); use Scalar::Util qw(blessed reftype refaddr looks_like_number);

use constant { WIDTH => 88, DEEPEST => 12 };

# Several values are a list.
sub text { my (@values) = @_;
    return value($values[0], 0, {}) if @values == 1;
    return join_parts('(', ')', 0, map { value($_, 1, {}) } @values);
}

sub value { my ($value, $depth, $seen) = @_;
    return 'undef' unless defined $value;
    return ref \$value eq 'GLOB' ? "$value" : scalar_text($value) unless ref $value;
    return '...' if $depth > DEEPEST;
    my $class = blessed $value;
    return regex($value) if ref $value eq 'Regexp';
    return "$value" if defined $class && overload::Method($value, '""');
    return '(the same again)' if $seen->{ refaddr $value };
    local $seen->{ refaddr $value } = 1;
    my $text = structure($value, $depth, $seen);
    return defined $class ? "bless($text, " . quote($class) . ')' : $text;
}

sub structure { my ($value, $depth, $seen) = @_;
    my $type = reftype $value;
    return join_parts('[', ']', $depth, map { value($_, $depth + 1, $seen) } @$value) if $type eq 'ARRAY';
    return join_parts('{', '}', $depth, map { key($_) . ' => ' . value($value->{$_}, $depth + 1, $seen) } sort keys %$value) if $type eq 'HASH';
    return code($value) if $type eq 'CODE';
    return '\\' . value($$value, $depth + 1, $seen) if $type =~ /\A(?:SCALAR|REF|VSTRING|LVALUE)\z/;
    return "\\$$value" if $type eq 'GLOB';
    return "$value";
}

# On one line if it fits.
sub join_parts { my ($open, $close, $depth, @parts) = @_;
    my $line = $open . join(', ', @parts) . $close;
    return $line if length $line <= WIDTH - 2 * $depth && $line !~ /\n/;
    my $indent = '  ' x $depth;
    return "$open\n" . join('', map { "$indent  $_,\n" } @parts) . "$indent$close";
}

sub scalar_text { my ($value) = @_;
    my $flags = B::svref_2object(\$value)->FLAGS;
    my $numeric = $flags & (B::SVf_IOK | B::SVf_NOK);
    my $is_number = $flags & B::SVf_POK ? $numeric == (B::SVf_IOK | B::SVf_NOK) && $value eq '1' : $numeric;   # the former is `true`
    return $is_number && looks_like_number($value) ? "$value" : quote($value);
}

sub quote { my ($text) = @_;
    if ($text !~ /[^\x20-\x7e\x{a0}-\x{10ffff}]/) { $text =~ s/([\\'])/\\$1/g; return "'$text'" }
    my %name = ("\n" => '\n', "\t" => '\t', "\r" => '\r', "\e" => '\e', "\0" => '\0');
    $text =~ s/([\\"\$\@])/\\$1/g;
    $text =~ s/([\x00-\x1f\x7f-\x9f])/$name{$1} \/\/ sprintf '\x{%x}', ord $1/ge;
    return qq("$text");
}

sub key { my ($key) = @_; $key =~ /\A(?:[A-Za-z_]\w*|0|[1-9]\d{0,14})\z/ ? $key : quote($key) }

sub regex { my ($value) = @_; my ($pattern, $flags) = re::regexp_pattern($value); $pattern =~ s{/}{\\/}g; "qr/$pattern/$flags" }

sub code { my ($code) = @_; my $gv = B::svref_2object($code)->GV; my $name = $gv->isa('B::GV') ? $gv->NAME : '__ANON__';
    return $name eq '__ANON__' ? 'sub { ... }' : '\&' . $gv->STASH->NAME . "::$name";
}

1;

package Parley::Inspection;
# What is known of the name at the cursor: a variable's value, a sub's place and source, POD, perldoc -f.
use strict; use warnings;
use B (); use Scalar::Util qw(blessed reftype);

use constant LONGEST => 4000;

sub reply { my ($request) = @_;
    my ($code, $position, $detail) = @$request{qw(code cursor_pos detail_level)};
    Parley::Server::load("Completion");
    my @parts = grep { defined && length } parts($code, $position // length $code, $detail // 0);
    my $text = join "\n\n", @parts;
    $text = substr($text, 0, 20_000) . "\n..." if length $text > 20_000;
    return { status => 'ok', found => length $text ? JSON::PP::true() : JSON::PP::false(), data => length $text ? { 'text/plain' => $text } : {}, metadata => {} };
}

sub parts { my ($code, $position, $detail) = @_;
    my $before = substr $code, 0, $position;
    $before =~ s/\(\s*\z//;
    $position = length $before;
    my ($after) = substr($code, $position) =~ /\A(\w*(?:::\w+)*)/;
    my ($name) = "$before$after" =~ /((?:\$\w+(?:::\w+)*->|\w+(?:::\w+)*->|\$#?|[\@%&])?\{?\w+(?:::\w+)*)\z/ or return;
    my $next = substr $code, $position + length $after, 1;
    return method($1, $2, $detail) if $name =~ /\A(.+)->(\w+)\z/;
    return variable($name, $next) if $name =~ /\A[\$\@%]/;
    $name =~ s/\A&//;
    my $full = $name =~ /::/ ? $name : "main::$name";
    my $lexical = $Parley::Cells::lexicals{"&$name"};
    return function($lexical // \&$full, $detail) if $lexical || defined &$full;
    my @builtin = builtin($name);
    return @builtin ? @builtin : module($name);
}

sub variable { my ($name, $next) = @_;
    my ($sigil, $bare) = $name =~ /\A(\$#?|[\@%])\{?(.+)\z/;
    $sigil = $next eq '[' ? '@' : $next eq '{' ? '%' : $sigil if $sigil eq '$';
    $sigil = '@' if $sigil eq '$#';
    my $reference = Parley::Completion::reference("$sigil$bare") // return;
    my $text = Parley::Show::text($sigil eq '$' ? $$reference : $reference);
    $text = substr($text, 0, LONGEST) . ' ...' if length $text > LONGEST;
    my $size = $sigil eq '@' ? 'Elements: ' . @$reference : $sigil eq '%' ? 'Keys: ' . keys %$reference : undef;
    my $class = $sigil eq '$' && ref $$reference ? 'Reference: ' . ref $$reference : undef;
    return ("$sigil$bare = $text", $class, $size);
}

sub method { my ($of, $name, $detail) = @_;
    my $class = $of =~ /\A\$/ ? blessed ${ Parley::Completion::reference($of) // \undef } : $of;
    my $code = defined $class && UNIVERSAL::can($class, $name) or return;
    return function($code, $detail);
}

sub function { my ($code, $detail) = @_;
    my $cv = B::svref_2object($code);
    my $name = $cv->GV->isa('B::GV') ? $cv->GV->STASH->NAME . '::' . $cv->GV->NAME : 'a lexical sub';
    my $start = $cv->START;
    my $prototype = prototype $code;
    my ($file, $line) = $start->isa('B::COP') ? ($start->file, $start->line) : $cv->FILE;
    my @lines = @{ Parley::Cells::sources()->{$file} // [] };
    my $short = $name =~ s/.*:://r;
    my @source = $line && @lines ? definition($short, $line, @lines) : ();
    return ("sub $name" . (defined $prototype ? "($prototype)" : ''), $line ? "Defined at $file line $line" : "In $file", @source,
        -f $file ? section($file, qr/\b\Q$short\E\b/) : ());
}

# The comment above, and the lines up to the brace that closes at the same indentation.
sub definition { my ($name, $line, @lines) = @_;
    my $first = $line - 1;
    $first-- while $first > 0 && $lines[$first] !~ /\bsub\s+\Q$name\E\b/;
    my ($indent) = $lines[$first] =~ /\A(\s*)/;
    my $last = $first;
    unless ($lines[$first] =~ /\}\s*;?\s*\z/) { $last++ while $last < $#lines && $lines[$last] !~ /\A$indent\}/ }
    $first-- while $first > 0 && $lines[$first - 1] =~ /\A\s*#/;
    return join "\n", @lines[$first .. $last];
}

# -- documentation --------------------------------------------------------------------------------

sub builtin { my ($name) = @_;
    require Pod::Functions;
    my $what = $Pod::Functions::Flavor{$name} // return;
    my ($pod) = grep { -f } map { ("$_/pods/perlfunc.pod", "$_/pod/perlfunc.pod") } grep { !ref } @INC;
    my $text = $pod ? items($pod, $name) : undef;
    return ("$name: $what", $text // 'For the whole text install the documentation, for example: apt install perl-doc');
}

# perlfunc has one =item for every way to call a function, the text after the last of them.
sub items { my ($file, $name) = @_;
    open my $pod, '<:encoding(UTF-8)', $file or return;
    my ($inside, $depth, $wanted, @lines) = (0, 0, 0);
    while (<$pod>) {
        if (/\A=head2 Alphabetical/) { $inside = 1; next }
        next unless $inside;
        if ($depth == 1 && /\A=item\s+(\S+)/) {
            my $hit = $1 =~ /\A\Q$name\E(?![\w:])/;
            last if $wanted && !$hit && grep { !/\A(?:=item|X<|\s*\z)/ } @lines;
            @lines = () if !$hit && !$wanted;
            $wanted ||= $hit;
        }
        $depth++ if /\A=over/;
        $depth-- if /\A=back/;
        last if $depth < 1 && $wanted;
        push @lines, $_ if $wanted;
    }
    return @lines ? plain("=over 4\n\n" . join('', @lines) . "\n=back\n") : undef;
}

sub module { my ($name) = @_;
    return unless $name =~ /\A\w+(?:::\w+)*\z/;
    (my $path = "$name.pm") =~ s{::}{/}g;
    my ($file) = grep { defined && -f } $INC{$path}, map { "$_/$path" } grep { !ref } @INC;
    return packaged($name) unless $file;
    no strict 'refs';
    my $version = ${"${name}::VERSION"};
    (my $pod = $file) =~ s/\.pm\z/.pod/;
    my $documented = -f $pod ? $pod : $file;
    return ("$name" . (defined $version ? " $version" : ''), "File: $file", section($documented, qr/\ANAME\b/), section($documented, qr/\ASYNOPSIS\b/),
        section($documented, qr/\ADESCRIPTION\b/));
}

# A package that a cell has made.
sub packaged { my ($name) = @_;
    Parley::Completion::stash($name) or return;
    my @subs = sort(Parley::Completion::subs($name)) or return;
    no strict 'refs';
    my @isa = @{"${name}::ISA"};
    return ("package $name", @isa ? "Parents: @isa" : undef, "Subs: @subs");
}

# The =head or =item of a file whose title matches, with what follows it.
sub section { my ($file, $title) = @_;
    open my $pod, '<:encoding(UTF-8)', $file or return;
    my ($level, @lines);
    while (<$pod>) {
        if (/\A=(head(\d)|item)\s+(.*)/) {
            my $here = $2 // 9;
            last if defined $level && $here <= $level && grep { /\A[^=\s]/ || /\A\s+\S/ } @lines;
            if (!defined $level && $3 =~ $title) { $level = $here }
        }
        if (defined $level) { last if /\A=cut/; push @lines, $_ }
    }
    return unless @lines;
    return plain(($lines[0] =~ /\A=item/ ? "=over 4\n\n" : "=pod\n\n") . join('', @lines));
}

sub plain { my ($pod) = @_;
    require Pod::Text;
    my $text = '';
    my $parser = Pod::Text->new(sentence => 0, width => 90, errors => 'none');
    $parser->output_string(\$text);
    utf8::encode($pod);
    $parser->parse_string_document("=encoding UTF-8\n\n$pod");
    utf8::decode($text) unless utf8::is_utf8($text);
    return $text =~ s/\A\s*\n|\s+\z//gr;
}

1;

package Parley;
# What cells call to show something. `IPerl->html(...)` is the same as `Parley::html(...)`.
use strict; use warnings;
use MIME::Base64 ();

{ package Parley::Rich }                                     # a value with MIME types of its own

# The methods of an object that say how to show it, and the types that they return.
my @methods = ([to_html => 'text/html'], [to_markdown => 'text/markdown'], [to_latex => 'text/latex'], [to_svg => 'image/svg+xml'],
    [to_png => 'image/png'], [to_jpeg => 'image/jpeg']);

sub html       { rich('text/html', text(@_)) }
sub markdown   { rich('text/markdown', text(@_)) }
sub latex      { rich('text/latex', text(@_)) }
sub svg        { rich('image/svg+xml', text(@_)) }
sub javascript { rich('application/javascript', text(@_)) }
sub png        { image('image/png', text(@_)) }
sub jpeg       { image('image/jpeg', text(@_)) }
sub json       { my ($value) = text(@_); bless { 'application/json' => $value, 'text/plain' => Parley::Show::text($value) }, 'Parley::Rich' }

# Rows are arrays, or hashes with the same keys.
sub table { my ($rows, @columns) = text(@_);
    @columns = sort keys %{ $rows->[0] } if !@columns && ref $rows->[0] eq 'HASH';
    my @cells = map { ref $_ eq 'HASH' ? [@$_{@columns}] : $_ } @$rows;
    my $row = sub { my $tag = shift; '<tr>' . join('', map { '<' . $tag . '>' . escape($_) . "</$tag>" } @_) . '</tr>' };
    return html('<table>' . (@columns ? $row->('th', @columns) : '') . join('', map { $row->('td', @$_) } @cells) . '</table>');
}

# display($value, id => 'x', metadata => {...}); with an id it can be changed: update('x', $value).
sub display { my ($value, %option) = text(@_);
    publish($option{update} ? 'update_display_data' : 'display_data', { data => bundle($value), metadata => $option{metadata} // {},
        transient => defined $option{id} ? { display_id => "$option{id}" } : {} });
}

sub update { my ($id, $value, %option) = text(@_); display($value, %option, id => $id, update => 1) }

sub clear_output { my ($wait) = text(@_); publish('clear_output', { wait => $wait ? JSON::PP::true() : JSON::PP::false() }) }

sub input    { Parley::Input::ask((text(@_))[0] // '') }
sub password { Parley::Input::ask((text(@_))[0] // 'Password: ', 1) }

# -- what follows is the bridge's -------------------------------------------------------------------

# The functions may be called as methods of the class.
sub text { shift if @_ && !ref $_[0] && defined $_[0] && $_[0] =~ /\A(?:Parley|IPerl)\z/; return wantarray ? @_ : $_[0] }

sub rich { my ($mime, $text) = @_; bless { $mime => "$text", 'text/plain' => "$text" }, 'Parley::Rich' }

sub image { my ($mime, $bytes) = @_;
    if ($bytes !~ /\0/ && -f $bytes) { open my $file, '<:raw', $bytes or die "$bytes: $!\n"; local $/; $bytes = <$file> }
    return bless { $mime => base64($bytes), 'text/plain' => sprintf '(%s, %d bytes)', $mime, length $bytes }, 'Parley::Rich';
}

sub base64 { my ($bytes) = @_; $bytes =~ m{\A[A-Za-z0-9+/\n]{16,}={0,2}\s*\z} ? $bytes : MIME::Base64::encode($bytes, '') }

sub escape { my ($text) = @_; my %name = ('&' => 'amp', '<' => 'lt', '>' => 'gt', '"' => 'quot'); ($text //= '') =~ s/([&<>"])/&$name{$1};/g; $text }

# MIME types and data of any values.
sub bundle { my (@values) = @_;
    my $value = $values[0];
    return { 'text/plain' => Parley::Show::text(@values) } if @values != 1 || !Scalar::Util::blessed($value);
    return { %$value } if $value->isa('Parley::Rich');
    my %data = $value->can('iperl_data_representations') ? %{ $value->iperl_data_representations } : ();
    for (@methods) { my ($method, $mime) = @$_; $data{$mime} //= $value->$method if !exists $data{$mime} && $value->can($method) }
    $data{$_} = m{\A(?:image/(?!svg)|application/pdf)} ? base64($data{$_}) : ref $data{$_} ? $data{$_} : "$data{$_}" for keys %data;
    $data{'text/plain'} //= Parley::Show::text($value);
    return \%data;
}

sub publish { my ($type, $content) = @_;
    Parley::Frames::ours() or die "only the process of the cell can display, not one that it has forked: print instead\n";
    flush();
    Parley::Frames::send_and_wait($type, $content);
    return;
}

# Order rule 1; STDERR has no buffer. The stream may be closed or somebody else's by now.
sub flush { no warnings; local ($@, $SIG{__DIE__}); eval { STDOUT->flush if defined fileno STDOUT } }

package IPerl;
our @ISA = ('Parley');

1;

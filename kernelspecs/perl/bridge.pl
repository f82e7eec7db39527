#!/usr/bin/env perl
# Perl for Parley: docs/bridge-protocol.md is the contract, README.md says what is where.
use 5.022;
use strict; use warnings; use Cwd ();

BEGIN {
    my ($folder) = Cwd::abs_path(__FILE__) =~ m{(.*)/};
    require "$folder/Parley/$_.pm" for qw(Frames Display Input Stderr Show Source Signals Cells Server);
    $INC{'Parley.pm'} = "$folder/Parley/Display.pm";    # `use Parley` in a cell is true already
    @ARGV = ();
}

# carp and croak speak of the cell, not of who runs it.
$Carp::Internal{"Parley::$_"} = 1 for qw(Cells Server Signals);

package Parley::Server;
serve();

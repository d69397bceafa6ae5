#!/usr/bin/env perl
# own-identity.pl DATA: gives a copied data folder, whose server was shut down, a system identifier of its own, as initdb
# would have given it: in global/pg_control, which carries a checksum, and at the head of each segment of the log.
use strict;
use warnings;

my ($data) = @ARGV;
open(my $random, '<:raw', '/dev/urandom') or die "/dev/urandom: $!";
read($random, my $identity, 8) == 8 or die 'no random bytes';

# Below 2^63, because SQL shows it as a signed number.
substr($identity, 7, 1) &= "\x7F";

my @table = map {
  my $word = $_;
  $word = $word & 1 ? ($word >> 1) ^ 0x82F63B78 : $word >> 1 for 1 .. 8;
  $word;
} 0 .. 255;

# CRC-32C, as PostgreSQL has it.
sub checksum {
  my $crc = 0xFFFFFFFF;
  $crc = $table[($crc ^ $_) & 0xFF] ^ ($crc >> 8) for unpack('C*', shift);
  return $crc ^ 0xFFFFFFFF;
}

sub patch {
  my ($path, $at, $bytes) = @_;
  open(my $file, '+<:raw', $path) or die "$path: $!";
  seek($file, $at, 0);
  print {$file} $bytes;
  close($file) or die "$path: $!";
}

my $control = "$data/global/pg_control";
open(my $file, '<:raw', $control) or die "$control: $!";
read($file, my $head, 512);
close($file);

# Its place differs between versions: where the checksum of all before it stands.
my ($end) = grep { unpack('L<', substr($head, $_, 4)) == checksum(substr($head, 0, $_)) } map { 8 * $_ } 16 .. 63;
defined $end or die "$control: no checksum found";
substr($head, 0, 8) = $identity;
patch($control, 0, substr($head, 0, $end) . pack('L<', checksum(substr($head, 0, $end))));

# XLogLongPageHeaderData: the identifier follows the 24 bytes that every page has.
patch($_, 24, $identity) for glob("$data/pg_wal/" . '[0-9A-F]' x 24);

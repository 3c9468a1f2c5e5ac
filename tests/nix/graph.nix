# A closure of 54 paths without a standard library: 50 small derivations that refer to one another,
# two large ones that no compression shrinks, a text file that is content-addressed (and needs no
# signature), and one that refers to all. Equal on every version of Nix.
{ count ? 50, megabytes ? 8, seed ? "passthru" }:
let
  make = name: refs: more: script: derivation ({
    inherit name refs seed;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" script ];
    PATH = "/usr/bin:/bin";
  } // more);

  text = builtins.toFile "note.txt" "a content-addressed path of ${seed}\n";

  large = number: make "large-${toString number}" [ ] { } ''
    openssl enc -aes-128-ctr -nosalt -K 000102030405060708090a0b0c0d0e0${toString number} \
      -iv 00000000000000000000000000000000 </dev/zero 2>/dev/null |
      head -c ${toString (megabytes * 1024 * 1024)} >$out
  '';

  at = builtins.elemAt nodes;
  below = i: if i == 0 then [ text (large 1) (large 2) ] else [ (at ((i - 1) / 2)) ];
  across = i: if i > 2 then [ (at (i - 3)) ] else [ ];
  node = i: make "node-${toString i}" (below i ++ across i) { } ''
    mkdir -p $out/bin $out/share
    echo "node ${toString i} of $seed" >$out/share/id
    for ref in $refs; do echo $ref >>$out/refs; done
    printf '#!/bin/sh\necho ${toString i}\n' >$out/bin/run
    chmod +x $out/bin/run
    ln -s $out/bin/run $out/bin/link
    echo "built node ${toString i}" >&2
  '';
  nodes = builtins.genList node count;
in {
  top = make "top" nodes { } "mkdir -p $out; echo $refs >$out/refs";

  # Its output's name follows from its content: such outputs have realisations.
  floating = make "floating" [ ] {
    __contentAddressed = true;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
  } "echo content-addressed $seed >$out";
}

# A machine that is the only upstream: its own store, signed and served by nginx, at upstream:80.
# `paths` are what it serves.
{ lib, pkgs, paths, ... }:
let
  cache = pkgs.runCommand "upstream-cache" {
    nativeBuildInputs = [ pkgs.nix ];
    exportReferencesGraph = lib.concatLists (lib.imap0 (i: path: [ "graph-${toString i}" path ]) paths);
  } ''
    export HOME=$TMPDIR NIX_STATE_DIR=$TMPDIR/state NIX_STORE_DIR=$TMPDIR/none
    nix-store --generate-binary-cache-key test-1 secret $TMPDIR/public
    export NIX_STORE_DIR=${builtins.storeDir}
    for graph in graph-*; do nix-store --load-db <$graph; done
    nix --extra-experimental-features nix-command copy --no-check-sigs \
      --to "file://$out?compression=zstd&secret-key=$PWD/secret" ${lib.escapeShellArgs (map toString paths)}
    cp $TMPDIR/public $out/public-key
  '';
in
{
  system.build.cache = cache;
  networking.firewall.allowedTCPPorts = [ 80 ];
  services.nginx = {
    enable = true;
    virtualHosts.upstream.default = true;
    virtualHosts.upstream.locations."/" = {
      root = "${cache}";
      extraConfig = "limit_rate_after 1m; limit_rate 2m;";
    };
  };
}

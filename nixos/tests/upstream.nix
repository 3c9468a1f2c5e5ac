# A machine that is the only upstream: its own store, signed and served by nginx, at upstream:80.
# `paths` are what it serves.
{ pkgs, paths, ... }:
let
  cache = pkgs.runCommand "upstream-cache" { nativeBuildInputs = [ pkgs.nix ]; } ''
    export HOME=$TMPDIR NIX_STATE_DIR=$TMPDIR/state
    nix-store --load-db <${pkgs.closureInfo { rootPaths = paths; }}/registration
    nix-store --generate-binary-cache-key test-1 $TMPDIR/secret $TMPDIR/public
    nix --extra-experimental-features nix-command copy --no-check-sigs \
      --to "file://$out?compression=zstd&secret-key=$TMPDIR/secret" ${toString paths}
  '';
in
{
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

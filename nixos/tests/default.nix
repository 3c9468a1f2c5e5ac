# Tests in virtual machines: `nix build .#checks.x86_64-linux.substitute`, or without flakes
# `nix-build -A vmTests.substitute`. Each needs a builder with KVM.
{ pkgs, module }:
let
  run = path: pkgs.testers.runNixOSTest (import path { inherit pkgs module; });
in
{
  substitute = run ./substitute.nix;
  lan = run ./lan.nix;
  tls = run ./tls.nix;
}

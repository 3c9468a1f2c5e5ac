# Without flakes: `nix-build` builds the package, and `import ./. { }` has the module and the overlay too.
{ pkgs ? import <nixpkgs> { } }:
let
  package = pkgs.callPackage ./nixos/package.nix { };
in
package // {
  nixosModule = ./nixos/module.nix;
  overlay = final: _: { passthru = final.callPackage ./nixos/package.nix { }; };
  vmTests = import ./nixos/tests { inherit pkgs; module = ./nixos/module.nix; };
}

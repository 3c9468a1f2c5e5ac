{
  description = "passthru: a network's own copy of the Nix binary caches it uses";

  # No lock file is kept: whoever uses this flake says which nixpkgs, with `inputs.nixpkgs.follows`.
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      systems = [ "x86_64-linux" "aarch64-linux" ];
      forAll = f: lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      package = pkgs: pkgs.callPackage ./nixos/package.nix { };
    in
    {
      nixosModules = {
        default = { pkgs, lib, ... }: {
          imports = [ ./nixos/module.nix ];
          services.passthru-cache.package = lib.mkDefault self.packages.${pkgs.stdenv.hostPlatform.system}.default;
        };
        passthru-cache = self.nixosModules.default;
      };

      overlays.default = final: _: { passthru = package final; };

      packages = forAll (pkgs: { default = package pkgs; passthru = package pkgs; });

      apps = forAll (pkgs: {
        default = {
          type = "app";
          program = lib.getExe self.packages.${pkgs.stdenv.hostPlatform.system}.default;
          meta.description = "Run passthru";
        };
      });

      checks = forAll (pkgs: {
        package = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
      } // import ./nixos/tests { inherit pkgs; module = self.nixosModules.default; });

      devShells = forAll (pkgs: {
        default = pkgs.mkShell {
          inputsFrom = [ (package pkgs) ];
          packages = with pkgs; [ nginx nix curl openssl iproute2 wrk ruff mypy ];
        };
      });
    };
}

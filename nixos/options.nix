# The options of services.passthru-cache. `hostName` to `stats` have the names that users of
# nixos-passthru-cache know; each sets one of `settings`, which are the spec itself.
{ lib, pkgs, ... }:
let
  inherit (lib) literalExpression mkEnableOption mkOption types;
  json = (pkgs.formats.json { }).type;

  short = type: { description, example, setting }: mkOption {
    type = types.nullOr type;
    default = null;
    inherit example;
    description = "${description} Short for ${setting}; `null` leaves that as it is.";
  };
in
{
  options.services.passthru-cache = {
    enable = mkEnableOption "a pull-through cache of Nix binary caches, served by `services.nginx`. Without any other option it serves this machine alone, on port 8080";

    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ./package.nix { };
      defaultText = literalExpression "passthru of the flake, or pkgs.callPackage ./package.nix { }";
      example = literalExpression "inputs.passthru.packages.x86_64-linux.default";
      description = "The package of passthru, which renders the configuration and runs beside nginx.";
    };

    settings = mkOption {
      type = types.submodule (import ./settings.nix { inherit lib json; });
      default = { };
      example = literalExpression ''
        {
          cache.narinfo_ttl = "12h";
          upstreams = [
            { url = "https://cache.nixos.org"; }
            { url = "https://attic.example.org/team"; credentials_file = "/run/keys/attic"; }
          ];
        }
      '';
      description = ''
        The spec, by the names of its reference page.
        The keys below are typed; all others of the page may be written as well.
        A key that passthru does not know fails the build, and so does a wrong value.
      '';
    };

    hostName = short types.str {
      example = "cache.example.org";
      setting = "`settings.host_name`";
      description = ''
        The name of the cache.
        With it, the cache serves others: over HTTPS with a certificate of ACME, or, with `forceSSL = false`, over plain HTTP.
      '';
    };

    upstream = short types.str {
      example = "https://cache.example.org";
      setting = "one entry of `settings.upstreams`";
      description = "The cache to pull from.";
    };

    cacheSize = short types.str {
      example = "500G";
      setting = "`settings.cache.size`";
      description = "How large the cache may become.";
    };

    inactivity = short types.str {
      example = "30d";
      setting = "`settings.cache.inactive`";
      description = "How long something may go unread before it is dropped.";
    };

    lanMode = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = ''
        Serve a trusted LAN: plain HTTP on port 80, under this machine's name with `.local`, announced by mDNS.
        Short for `settings.mode = "lan"`.
      '';
    };

    forceSSL = short types.bool {
      example = false;
      setting = "`settings.mode`: `tls` if true";
      description = "Whether HTTPS is served, and HTTP leads to it. It is where `hostName` is set and `lanMode` is not.";
    };

    stats = {
      enable = short types.bool {
        example = true;
        setting = "`settings.status.enable`";
        description = "Whether the status page and `/metrics` are served.";
      };
      path = short types.str {
        example = "/stats";
        setting = "`settings.status.path`";
        description = "Where the status page is.";
      };
      allowLocalOnly = short types.bool {
        example = false;
        setting = "`settings.status.allow`: this machine if true, everybody if false";
        description = "Whether only this machine may see the status page.";
      };
    };

    openFirewall = mkOption {
      type = types.nullOr types.bool;
      default = null;
      example = true;
      description = ''
        Whether the firewall lets clients in, and mDNS where it is used.
        `null`: if the cache was asked to serve others, which is in all modes but `local`.
      '';
    };

    resolvers = mkOption {
      type = types.nullOr (types.listOf types.str);
      default = null;
      example = [ "192.168.1.1" "[fd00::1]" ];
      description = ''
        The name servers that nginx asks for the addresses of upstreams.
        `null`: `systemd-resolved` or another resolver of this machine, where NixOS runs one; else those of `services.nginx.resolver`; else what `/etc/resolv.conf` says, read when nginx starts and each time it changes.
      '';
    };

    nginxConfiguration = mkOption {
      type = types.package;
      readOnly = true;
      example = literalExpression "config.services.passthru-cache.nginxConfiguration";
      defaultText = literalExpression "made by `passthru render`";
      description = "The rendered configuration, to look at: `http.conf` and `server.conf` are what nginx includes.";
    };

    client = {
      enable = mkEnableOption "a small cache on this machine that Nix uses as its first substituter. It finds the caches of whatever LAN the machine is in, asks them first, and steps aside where there are none. It needs no other option, and has an nginx of its own";

      port = mkOption {
        type = types.port;
        default = 8487;
        example = 8080;
        description = "The port of 127.0.0.1 that Nix asks.";
      };

      cacheSize = mkOption {
        type = types.str;
        default = "5G";
        example = "20G";
        description = "How much of what was downloaded is kept, beside what is in the store anyway.";
      };

      settings = mkOption {
        type = json;
        default = { };
        example = literalExpression ''{ upstreams = [ { url = "https://cache.nixos.org"; } ]; }'';
        description = "More of the client's spec, by the names of its reference page.";
      };
    };
  };
}

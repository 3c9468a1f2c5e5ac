# The spec as options: those that are set most are typed; all others may be written, and `passthru`
# itself refuses what it does not know when the configuration is built.
{ lib, json }:
let
  inherit (lib) literalExpression mkOption types;

  optional = type: { description, example, otherwise }: mkOption {
    type = types.nullOr type;
    default = null;
    inherit example;
    description = "${description} `null`: ${otherwise}.";
  };

  upstream = {
    freeformType = json;
    options = {
      url = mkOption {
        type = types.str;
        example = "https://attic.example.org/team";
        description = "Where the cache is: `http://` or `https://`, and a path if it has one.";
      };
      name = optional types.str {
        example = "attic";
        otherwise = "made from the host";
        description = "What it is called in `X-Cache-Upstream`, on the status page and in the cache on disk.";
      };
      proxy = optional types.str {
        example = "socks5h://127.0.0.1:1080";
        otherwise = "none";
        description = "The proxy to go through: `http://`, `socks5://` or `socks5h://`, without a password.";
      };
      public_keys = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = literalExpression ''[ "attic.example.org-1:oNnH7Uu1xL9Gf0iAJCnH3sU0A5mrQ7kQ3N4bb4FqAaM=" ]'';
        description = "The keys it signs with, for the snippets that clients are shown.";
      };
      credentials_file = optional types.str {
        example = "/run/keys/attic";
        otherwise = "none";
        description = ''
          A file with `user:password` or a bearer token in one line.
          systemd reads it as root when nginx starts, so nobody else needs to; it is never in the store.
        '';
      };
    };
  };

  certificate = {
    freeformType = json;
    options = {
      certificate = mkOption {
        type = types.str;
        example = "/run/keys/cache.pem";
        description = "A PEM file of the certificate, and of those between it and the root.";
      };
      certificate_key = mkOption {
        type = types.str;
        example = "/run/keys/cache.key";
        description = "A PEM file of the certificate's key, which nginx's user can read.";
      };
    };
  };
in
{
  freeformType = json;
  options = {
    mode = mkOption {
      type = types.enum [ "local" "lan" "tls" ];
      default = "local";
      example = "lan";
      description = ''
        Whom it serves.
        `local`: this machine alone, on port 8080.
        `lan`: all, on port 80, announced by mDNS.
        `tls`: all, on port 443, where port 80 redirects to.
        `hostName`, `lanMode` and `forceSSL` set it.
      '';
    };
    host_name = optional types.str {
      example = "cache.example.org";
      otherwise = "`localhost`, or in mode `lan` this machine's name with `.local`";
      description = "The name by which clients reach it. `hostName` sets it.";
    };
    on_outage = mkOption {
      type = types.enum [ "error" "miss" ];
      default = "error";
      example = "miss";
      description = ''
        What a client hears when an upstream cannot be asked.
        `error`: 502 or 504, at once.
        `miss`: 404, which Nix then believes for an hour.
      '';
    };
    state_directory = mkOption {
      type = types.str;
      default = "/var/lib/passthru";
      example = "/srv/passthru/state";
      description = "Where logs and history are kept.";
    };
    runtime_directory = mkOption {
      type = types.str;
      default = "/run/passthru";
      example = "/run/cache";
      description = "Where sockets are.";
    };
    listen = {
      addresses = optional (types.listOf types.str) {
        example = [ "192.168.1.2" "::1" ];
        otherwise = "loopback in mode `local`, all in the others";
        description = "Addresses of this machine, or `*` for all of them.";
      };
      port = optional types.port {
        example = 8081;
        otherwise = "8080 in mode `local`, 80 in the others";
        description = "The port of plain HTTP. In mode `tls` it redirects.";
      };
      tls_port = optional types.port {
        example = 8443;
        otherwise = "443 in mode `tls`";
        description = "The port of HTTPS in mode `tls`.";
      };
    };
    tls = optional (types.submodule certificate) {
      example = literalExpression ''{ certificate = "/run/keys/cache.pem"; certificate_key = "/run/keys/cache.key"; }'';
      otherwise = "in mode `tls`, a certificate of ACME";
      description = "A certificate of your own.";
    };
    cache = {
      directory = mkOption {
        type = types.str;
        default = "/var/cache/passthru";
        example = "/srv/passthru";
        description = ''
          Where the cache is kept.
          All that is in this directory belongs to passthru, and it cannot be below `/home`.
        '';
      };
      size = mkOption {
        type = types.str;
        default = "200G";
        example = "1T";
        description = "How large it may become before what was unread longest is dropped. `cacheSize` sets it.";
      };
      min_free = mkOption {
        type = types.str;
        default = "5G";
        example = "20G";
        description = "How much of the disk it leaves free, whatever its size.";
      };
      inactive = mkOption {
        type = types.str;
        default = "365d";
        example = "30d";
        description = "How long something may go unread before it is dropped. `inactivity` sets it.";
      };
      hot = mkOption {
        type = types.int;
        default = 4096;
        example = 0;
        description = "How many narinfos that are asked for again and again nginx has as plain files. 0: none.";
      };
    };
    upstreams = mkOption {
      type = types.listOf (types.submodule upstream);
      default = [ ];
      example = literalExpression ''[ { url = "https://cache.nixos.org"; } { url = "https://attic.example.org/team"; } ]'';
      description = ''
        The caches to pull from, in the order they are asked; at most 8.
        None: cache.nixos.org. `upstream` sets it to one.
      '';
    };
    mdns.enable = optional types.bool {
      example = false;
      otherwise = "announced in mode `lan`, and not in the others";
      description = "Whether the cache is announced on the LAN.";
    };
    lan.follow = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = ''
        Whether caches found by mDNS come before the upstreams.
        `client` is a cache of its own that does, and that Nix asks first.
      '';
    };
    status = {
      enable = mkOption {
        type = types.bool;
        default = true;
        example = false;
        description = "Whether the status page, its JSON and `/metrics` are served. `stats.enable` sets it.";
      };
      path = mkOption {
        type = types.str;
        default = "/status";
        example = "/stats";
        description = "Where the page is. `stats.path` sets it.";
      };
      allow = optional (types.listOf types.str) {
        example = [ "127.0.0.0/8" "::1" "10.0.0.0/8" ];
        otherwise = "this machine; in mode `lan` private addresses too";
        description = "Who may see it: addresses and networks. `stats.allowLocalOnly` sets it.";
      };
    };
  };
}

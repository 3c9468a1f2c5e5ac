# services.passthru-cache.client: a small cache on this machine, for this machine. `passthru up` runs it,
# with an nginx of its own, because what it asks first changes with the network it is in.
{ config, lib, pkgs, ... }:
let
  inherit (lib) mkBefore mkDefault mkIf;
  cfg = config.services.passthru-cache;
  inherit (cfg) client;
  unit = "passthru-client";
  inherit (import ./spec.nix { inherit config lib; }) credentialsOf withCredentials;

  # What the user writes comes last, but for what makes it a client.
  spec = withCredentials unit (lib.recursiveUpdate {
    cache = { size = client.cacheSize; min_free = "2G"; };
  } client.settings // {
    mode = "local";
    lan = { follow = true; };
    listen = { addresses = [ "127.0.0.1" ]; inherit (client) port; };
    state_directory = "/var/lib/${unit}";
    runtime_directory = "/run/${unit}";
  });
  placed = lib.recursiveUpdate spec { cache.directory = "/var/cache/${unit}"; };
  facts = pkgs.writeText "${unit}-machine.json" (builtins.toJSON {
    name = "localhost";
    instance = "00000000";
    ca_bundle = "/etc/ssl/certs/ca-certificates.crt";
    late = "/run/${unit}";
  });
  # Rendered once for nobody, so that a wrong spec fails the build.
  specFile = pkgs.runCommand "${unit}.json" {
    preferLocalBuild = true;
    spec = builtins.toJSON placed;
    passAsFile = [ "spec" ];
  } ''
    cp "$specPath" $out
    PASSTHRU_NGINX=${pkgs.nginx}/bin/nginx ${cfg.package}/bin/passthru render $out --machine ${facts} >/dev/null
  '';
  hardening = import ./hardening.nix { inherit lib; network = "neighbours"; };
in
{
  config = mkIf client.enable {
    assertions = [
      {
        assertion = !lib.any (path: lib.hasPrefix builtins.storeDir (toString path))
          (map (upstream: upstream.credentials_file or "") (client.settings.upstreams or [ ]));
        message = ''
          services.passthru-cache: a credentials_file of client.settings.upstreams is in the Nix store, which everybody can read.
          Write the path of a file outside of it, in quotes: "/run/keys/upstream".
        '';
      }
      {
        assertion = !cfg.enable || cfg.settings.mode != "local" || cfg.settings.listen.port != client.port;
        message = ''
          services.passthru-cache: client.port and settings.listen.port are both ${toString client.port}.
          Change one of them.
        '';
      }
    ];

    nix.settings = {
      substituters = mkBefore [ "http://127.0.0.1:${toString client.port}" ];
      # A cache that is being restarted is no reason to stop a build.
      fallback = mkDefault true;
    };

    networking.firewall.allowedUDPPorts = mkIf (cfg.openFirewall != false) [ 5353 ];

    systemd.services.${unit} = {
      description = "This machine's cache of the Nix binary caches around it";
      wantedBy = [ "multi-user.target" ];
      after = [ "network.target" ];
      unitConfig.StartLimitIntervalSec = 0;
      restartTriggers = [ specFile ];
      environment = {
        HOME = "/var/lib/${unit}";
        PASSTHRU_NGINX = "${pkgs.nginx}/bin/nginx";
        SSL_CERT_FILE = "/etc/ssl/certs/ca-certificates.crt";
      };
      serviceConfig = hardening // {
        Type = "notify";
        ExecStart = "${cfg.package}/bin/passthru up ${specFile}";
        ExecReload = "${cfg.package}/bin/passthru apply ${specFile}";
        Restart = "always";
        RestartSec = "2s";
        RestartPreventExitStatus = "78";
        # nginx is ended by passthru, when its downloads are.
        KillMode = "mixed";
        TimeoutStartSec = "90s";
        UMask = "0077";
        LimitNOFILE = 65536;
        StateDirectory = unit;
        CacheDirectory = unit;
        RuntimeDirectory = unit;
        LoadCredential = credentialsOf (client.settings.upstreams or [ ]);
      };
    };
  };
}

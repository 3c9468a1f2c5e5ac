# What the options come to: the spec that is rendered, and the facts of the machine it is rendered for.
{ config, lib }:
let
  cfg = config.services.passthru-cache;
  inherit (cfg) settings;

  # A key that is null was not written.
  prune = value:
    if lib.isAttrs value then lib.mapAttrs (_: prune) (lib.filterAttrs (_: v: v != null) value)
    else if lib.isList value then map prune value
    else value;

  credential = index: "upstream-${toString index}";

  withCredential = unit: index: upstream: upstream // lib.optionalAttrs (upstream.credentials_file or null != null) {
    credentials_file = "/run/credentials/${unit}.service/${credential index}";
  };

  withCredentials = unit: spec: spec // lib.optionalAttrs (spec ? upstreams) {
    upstreams = lib.imap0 (withCredential unit) spec.upstreams;
  };

  port = default: given: if given != null then given else default;
in
rec {
  # The unit that writes what a build cannot know.
  late = "passthru-late";

  mode = settings.mode;
  tls = mode == "tls";
  hostName = settings.host_name;
  plainPort = port (if mode == "local" then 8080 else 80) settings.listen.port;
  tlsPort = port 443 settings.listen.tls_port;
  announced = if settings.mdns.enable != null then settings.mdns.enable else mode == "lan";
  inherit (settings.lan) follow;
  shares = let peers = settings.peers or { }; in peers.discover or false || peers.urls or [ ] != [ ];
  proxied = lib.any (upstream: upstream.proxy or null != null && upstream.proxy != "") settings.upstreams;
  directories = {
    cache = settings.cache.directory;
    state = settings.state_directory;
    runtime = settings.runtime_directory;
  };

  # systemd's LoadCredential= for the upstreams of a spec, and the spec that reads what it loads.
  credentialsOf = upstreams: lib.concatLists (lib.imap0 (index: upstream:
    lib.optional (upstream.credentials_file or null != null) "${credential index}:${upstream.credentials_file}"
  ) upstreams);
  inherit prune withCredentials;

  acmeDirectory = "/var/lib/acme/${toString hostName}";

  spec = withCredentials late (removeAttrs (prune settings) (lib.optional (settings.upstreams == [ ]) "upstreams")
    // lib.optionalAttrs (tls && settings.tls == null) {
      tls = {
        certificate = "${acmeDirectory}/fullchain.pem";
        certificate_key = "${acmeDirectory}/key.pem";
      };
    });

  resolvers =
    if cfg.resolvers != null then cfg.resolvers
    else if config.services.resolved.enable then [ "127.0.0.53" ]
    else if config.networking.resolvconf.useLocalResolver or false then [ "127.0.0.1" ]
    else config.services.nginx.resolver.addresses;

  machine = {
    name = lib.toLower (if config.networking.hostName != "" then config.networking.hostName else "localhost");
    # In place of the machine id, which no build knows: caches of one chain have other upstreams.
    instance = lib.substring 0 8 (builtins.hashString "sha256" (builtins.toJSON {
      inherit (config.networking) hostName domain;
      inherit spec;
    }));
    ca_bundle = "/etc/ssl/certs/ca-certificates.crt";
    user = config.services.nginx.user;
    group = config.services.nginx.group;
    ipv6 = config.networking.enableIPv6;
    ipv6_route = config.networking.enableIPv6;
    inherit resolvers;
    cache_directory = directories.cache;
    state_directory = directories.state;
    runtime_directory = directories.runtime;
    late = lateDirectory;
  };

  lateDirectory = "${directories.runtime}/late";
  lateNames = lib.optional (resolvers == [ ]) "resolvers.conf"
    ++ lib.optional (credentialsOf settings.upstreams != [ ]) "credentials.conf";
  isLate = lateNames != [ ];
}

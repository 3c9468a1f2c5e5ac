# A NixOS that is just large enough for the module: the options of others that it reads and writes, and
# what tests look at afterwards. `configuration` is a file with what a user would write. Derivations are
# not built: they are sets with their command, and their outputs are below `out`.
{ configuration, out, passthru, nginx, nginxVersion ? "1.30.0" }:
let
  lib = import ./lib.nix;
  inherit (lib) mkOption types;

  any = default: mkOption { type = types.anything; inherit default; };
  of = type: default: mkOption { inherit type default; };
  package = name: version: path: { type = "derivation"; pname = name; outPath = path; inherit name version; };

  pkgs = {
    formats.json = _: { type = types.anything; };
    callPackage = _: _: package "passthru" "0" passthru;
    nginx = package "nginx" nginxVersion nginx;
    writeText = name: text: { type = "derivation"; inherit name; outPath = builtins.toFile name text; };
    runCommand = name: environment: command: {
      type = "derivation";
      inherit name environment command;
      outPath = "${out}/${name}";
    };
  };

  virtualHost.options = {
    serverName = of (types.nullOr types.str) null;
    listen = of (types.listOf types.anything) [ ];
    forceSSL = of types.bool false;
    enableACME = of types.bool false;
    useACMEHost = of (types.nullOr types.str) null;
    sslCertificate = any "";
    sslCertificateKey = any "";
    default = of types.bool false;
    extraConfig = of types.lines "";
    locations = any { };
  };

  unit.options = {
    description = of types.str "";
    wantedBy = of (types.listOf types.str) [ ];
    wants = of (types.listOf types.str) [ ];
    after = of (types.listOf types.str) [ ];
    before = of (types.listOf types.str) [ ];
    path = of (types.listOf types.anything) [ ];
    environment = any { };
    restartTriggers = of (types.listOf types.anything) [ ];
    unitConfig = any { };
    serviceConfig = any { };
    pathConfig = any { };
  };

  around = {
    options = {
      assertions = of (types.listOf types.anything) [ ];
      warnings = of (types.listOf types.str) [ ];
      networking = {
        hostName = of types.str "shelf";
        domain = of (types.nullOr types.str) null;
        enableIPv6 = of types.bool true;
        resolvconf.useLocalResolver = of types.bool false;
        firewall.allowedTCPPorts = of (types.listOf types.port) [ ];
        firewall.allowedUDPPorts = of (types.listOf types.port) [ ];
      };
      services.resolved.enable = of types.bool false;
      services.logrotate.settings = any { };
      services.nginx = {
        enable = of types.bool false;
        enableReload = of types.bool false;
        package = any pkgs.nginx;
        user = of types.str "nginx";
        group = of types.str "nginx";
        eventsConfig = of types.lines "";
        appendConfig = of types.lines "";
        commonHttpConfig = of types.lines "";
        appendHttpConfig = of types.lines "";
        preStart = of types.lines "";
        recommendedBrotliSettings = of types.bool false;
        resolver.addresses = of (types.listOf types.str) [ ];
        virtualHosts = of (types.attrsOf (types.submodule virtualHost)) { };
      };
      security.acme = any { };
      nix.settings = any { };
      systemd = {
        package = any (package "systemd" "252" "/systemd");
        services = of (types.attrsOf (types.submodule unit)) { };
        paths = of (types.attrsOf (types.submodule unit)) { };
        tmpfiles.settings = any { };
      };
    };
  };

  evaluated = lib.evalModules {
    modules = [ around ../../../nixos/module.nix configuration ];
    specialArgs = { inherit pkgs; };
  };
  inherit (evaluated) config;
  cfg = config.services.passthru-cache;
in
{
  inherit lib pkgs evaluated;
  summary = {
    wrong = map (a: a.message) (lib.filter (a: !a.assertion) config.assertions);
    inherit (config) warnings;
    tcp = config.networking.firewall.allowedTCPPorts;
    udp = config.networking.firewall.allowedUDPPorts;
    services = lib.mapAttrs (_: s: {
      inherit (s) description wantedBy wants after before environment unitConfig serviceConfig;
    }) config.systemd.services;
    paths = lib.mapAttrs (_: s: { inherit (s) wantedBy pathConfig; }) config.systemd.paths;
    tmpfiles = config.systemd.tmpfiles.settings;
    logrotate = config.services.logrotate.settings;
    nix = config.nix.settings;
    nginx = lib.optionalAttrs cfg.enable {
      inherit (config.services.nginx) enable enableReload eventsConfig appendConfig commonHttpConfig appendHttpConfig preStart virtualHosts;
    };
    client = lib.optionalAttrs cfg.client.enable {
      inherit (lib.head config.systemd.services.passthru-client.restartTriggers) command environment;
    };
    render = lib.optionalString cfg.enable cfg.nginxConfiguration.command;
  };
}

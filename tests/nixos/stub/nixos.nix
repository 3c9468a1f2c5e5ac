# A NixOS that is just large enough for the module: the options of others that it reads and writes, and
# what tests look at afterwards. `configuration` is a file with what a user would write. Derivations are
# not built: they are sets with their command, and their outputs are below `out`.
{ configuration ? { }, out, passthru, nginx, nginxVersion ? "1.30.0" }:
let
  lib = import ./lib.nix;
  inherit (lib) mkOption types;

  any = default: mkOption { type = types.anything; inherit default; };
  of = type: default: mkOption { inherit type default; };
  package = name: version: path: { type = "derivation"; pname = name; outPath = path; inherit name version; };

  pkgs = {
    formats.json = _: { type = types.anything // { name = "JSON value"; }; };
    callPackage = _: _: package "passthru" "0" passthru;
    nginx = package "nginx" nginxVersion nginx;
    nix = package "nix" "0" "/nix";
    openssl = package "openssl" "0" "/openssl";
    closureInfo = _: package "closure-info" "0" "/closure-info";
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
    basicAuth = any { };
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
      security.pki.certificateFiles = any [ ];
      virtualisation.writableStore = any false;
      nix.settings = any { };
      systemd = {
        package = any (package "systemd" "252" "/systemd");
        services = of (types.attrsOf (types.submodule unit)) { };
        paths = of (types.attrsOf (types.submodule unit)) { };
        tmpfiles.settings = any { };
      };
    };
  };

  evaluate = modules: lib.evalModules { modules = [ around ] ++ modules; specialArgs = { inherit pkgs; }; };

  summarize = config: let cfg = config.services.passthru-cache; in {
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

  # What is served and asked in nixos/tests, where the module need not be imported.
  plainly = config: {
    inherit (config.services.nginx) virtualHosts;
    nix = config.nix.settings;
    tcp = config.networking.firewall.allowedTCPPorts;
  };

  # Every option of the module, and of the modules inside it.
  document = path: options: lib.concatLists (lib.mapAttrsToList (name: option:
    let here = path ++ [ name ]; nested = option.type.nested or null; in
    if option._type or null != "option" then document here option
    else [ (lib.filterAttrs (key: _: lib.elem key [ "default" "defaultText" "example" "description" ]) option // {
      name = lib.concatStringsSep "." here;
      type = option.type.name;
    }) ] ++ lib.optionals (nested != null) (document (here ++ lib.optional (nested.at != "") nested.at) nested.options)
  ) options);

  module = ../../../nixos/module.nix;
  evaluated = evaluate [ module configuration ];
in
{
  inherit lib pkgs evaluated;
  summary = summarize evaluated.config;
  options = document [ "services" "passthru-cache" ] evaluated.options.services.passthru-cache;

  # nixos/package.nix, with functions in place of nixpkgs' that only write down what they are given.
  package =
    let
      named = lib.listToAttrs (map (name: lib.nameValuePair name name) [
        "click" "cryptography" "hatchling" "jinja2" "prometheus-client" "pydantic" "starlette"
        "typing-extensions" "uvicorn" "zeroconf"
      ]);
      root = ../../..;
      made = import ../../../nixos/package.nix {
        lib = lib // { cleanSourceWith = source: source; licenses.mit = "MIT"; platforms.unix = [ ]; };
        python3Packages = named // {
          buildPythonApplication = attributes: attributes;
          python = { sitePackages = "site"; interpreter = "python"; };
        };
        inherit (pkgs) nginx;
        cacert = "/cacert";
        installShellFiles = "installShellFiles";
        stdenv = { buildPlatform.canExecute = _: true; hostPlatform = { }; };
      };
      paths = [
        "LICENSE" "README.md" "do" "docs/README.md" "nixos/module.nix" "passthru/__pycache__/x" "passthru/cli/app.py"
        "passthru.toml" "pyproject.toml" "templates/a" "tests/conftest.py"
      ];
    in {
      inherit (made) version;
      dependencies = builtins.sort builtins.lessThan made.dependencies;
      build = made.build-system;
      kept = lib.filter (path: made.src.filter "${toString root}/${path}" "regular") paths;
    };

  tests = lib.mapAttrs (name: _:
    let test = import (../../../nixos/tests + "/${name}.nix") { inherit pkgs module; }; in {
      inherit (test) name testScript;
      nodes = lib.mapAttrs (_: node: let inherit (evaluate [ node ]) config; in
        if config.services ? passthru-cache then summarize config else plainly config) test.nodes;
    }) { substitute = null; lan = null; tls = null; };
}

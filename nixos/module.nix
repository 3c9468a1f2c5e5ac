# services.passthru-cache: a pull-through cache of Nix binary caches, served by services.nginx.
{ config, lib, pkgs, ... }:
let
  inherit (lib) concatMapStringsSep mkDefault mkIf mkMerge optional optionals optionalString;

  cfg = config.services.passthru-cache;
  nginx = config.services.nginx;
  spec = import ./spec.nix { inherit config lib; };
  inherit (spec) directories late mode tls;
  program = "${cfg.package}/bin/passthru";

  write = name: value: pkgs.writeText name (builtins.toJSON value);
  specFile = write "passthru.json" spec.spec;
  machineFile = write "passthru-machine.json" spec.machine;
  rendered = "${specFile} --machine ${machineFile}";

  configuration = pkgs.runCommand "passthru-nginx" { preferLocalBuild = true; } ''
    PASSTHRU_NGINX=${nginx.package}/bin/nginx ${program} render ${rendered} --out $out
  '';

  sidecars = import ./sidecars.nix { inherit config lib pkgs spec specFile program; };
  # It looks whether there is a way to the IPv6 internet, so it has to see the network.
  hardened = import ./hardening.nix { inherit lib; network = "calls"; };

  addressesOf = address:
    if address == "*" then [ "0.0.0.0" ] ++ optional config.networking.enableIPv6 "[::]"
    else if lib.hasInfix ":" address then optional config.networking.enableIPv6 "[${address}]"
    else [ address ];
  addresses = lib.concatMap addressesOf (
    if cfg.settings.listen.addresses != null then cfg.settings.listen.addresses
    else if mode == "local" then [ "127.0.0.1" "::1" ]
    else [ "*" ]
  );
  listens = port: ssl: map (addr: { inherit addr port ssl; }) addresses;
  hasOwnListens = mode == "local"
    || lib.any (value: value != null) [ cfg.settings.listen.addresses cfg.settings.listen.port cfg.settings.listen.tls_port ];

  isOpen = if cfg.openFirewall != null then cfg.openFirewall else mode != "local";

  file = mode': { user = nginx.user; group = nginx.group; mode = mode'; };
in
{
  imports = [ ./options.nix ./names.nix ./assertions.nix ./client.nix ];

  config = mkIf cfg.enable {
    services.passthru-cache.nginxConfiguration = configuration;

    services.nginx = {
      enable = true;
      # A change is a reload, which no download notices.
      enableReload = mkDefault true;
      eventsConfig = mkDefault "worker_connections 16384;";
      appendConfig = mkDefault ''
        worker_processes auto;
        worker_shutdown_timeout 1h;
      '';
      # Ahead of the virtual hosts: a log's format has to be known where it is used.
      commonHttpConfig = ''
        variables_hash_max_size 4096;
        variables_hash_bucket_size 128;
        include ${configuration}/http.conf;
      '';
      preStart = lib.mkBefore "rm -f ${directories.runtime}/nginx.sock";
      virtualHosts.passthru-cache = {
        serverName = mkDefault (if spec.hostName != null then spec.hostName else "localhost");
        listen = mkIf hasOwnListens (listens spec.plainPort false ++ optionals tls (listens spec.tlsPort true));
        forceSSL = mkIf tls (mkDefault true);
        enableACME = mkIf (tls && cfg.settings.tls == null)
          (mkDefault (nginx.virtualHosts.passthru-cache.useACMEHost or null == null));
        sslCertificate = mkIf (tls && cfg.settings.tls != null) (mkDefault cfg.settings.tls.certificate);
        sslCertificateKey = mkIf (tls && cfg.settings.tls != null) (mkDefault cfg.settings.tls.certificate_key);
        extraConfig = ''
          listen unix:${directories.runtime}/nginx.sock;
          ${optionalString (nginx.recommendedBrotliSettings or false) "brotli off;"}
          ${optionalString (nginx.recommendedZstdSettings or false) "zstd off;"}
          include ${configuration}/server.conf;
        '';
      };
    };

    networking.firewall = {
      allowedTCPPorts = mkIf isOpen ([ spec.plainPort ] ++ optional tls spec.tlsPort);
      allowedUDPPorts = mkIf (isOpen && spec.announced || cfg.openFirewall != false && spec.follow) [ 5353 ];
    };

    systemd.tmpfiles.settings."10-passthru-cache" = {
      ${directories.runtime}.d = file "0770";
      ${spec.lateDirectory}.d = file "0750";
      # Where the sidecars expect it to tell of itself.
      "${directories.runtime}/nginx.pid"."L+".argument = "/run/nginx/nginx.pid";
      ${directories.state}.d = { user = "root"; group = nginx.group; mode = "0770"; };
      "${directories.state}/logs".d = file "0750";
      "${directories.state}/stats".d = file "0750";
      # What the sidecars look at, and follow: the rendering that nginx has.
      "${directories.state}/live"."L+".argument = "${configuration}";
      ${directories.cache}.d = file "0750";
    } // lib.listToAttrs (map (name: lib.nameValuePair "${spec.lateDirectory}/${name}" {
      C = file "0640" // { argument = "${configuration}/late/${name}"; };
    }) spec.lateNames);

    systemd.services = mkMerge [
      sidecars.services
      {
        nginx = {
          wants = optional spec.isLate "${late}.service";
          after = optional spec.isLate "${late}.service";
          unitConfig.RequiresMountsFor = [ directories.cache directories.state ];
          serviceConfig = {
            ReadWritePaths = [ directories.cache "${directories.state}/logs" directories.runtime ];
            LimitNOFILE = mkDefault 65536;
          };
        };
      }
      (mkIf (spec.isLate && nginx.enableReload) {
        nginx-config-reload = {
          wants = [ "${late}.service" ];
          after = [ "${late}.service" ];
        };
      })
      (mkIf spec.isLate {
        ${late} = {
          description = "What nginx has to know for passthru, and no build can: ${concatMapStringsSep ", " (lib.removeSuffix ".conf") spec.lateNames}";
          before = [ "nginx.service" ];
          environment.PASSTHRU_NGINX = "${nginx.package}/bin/nginx";
          serviceConfig = hardened // {
            Type = "oneshot";
            ExecStart = "${program} render ${rendered} --late --out ${spec.lateDirectory}";
            # nginx reads these files as its own user.
            DynamicUser = false;
            User = nginx.user;
            Group = nginx.group;
            UMask = "0077";
            ReadWritePaths = [ spec.lateDirectory ];
            LoadCredential = spec.credentialsOf cfg.settings.upstreams;
          };
        };
      })
      (mkIf (spec.resolvers == [ ]) {
        "${late}-changed" = {
          description = "Tell nginx of other name servers";
          # It may ask systemd for two things, and can do nothing else.
          serviceConfig = import ./hardening.nix { inherit lib; network = "none"; } // {
            Type = "oneshot";
            DynamicUser = false;
            PrivateUsers = false;
            ExecStart = [
              "${config.systemd.package}/bin/systemctl start ${late}.service"
              "${config.systemd.package}/bin/systemctl try-reload-or-restart nginx.service"
            ];
          };
        };
      })
    ];

    systemd.paths."${late}-changed" = mkIf (spec.resolvers == [ ]) {
      description = "Other name servers in /etc/resolv.conf";
      wantedBy = [ "multi-user.target" ];
      pathConfig.PathChanged = "/etc/resolv.conf";
    };

    services.logrotate.settings.passthru-cache = {
      files = "${directories.state}/logs/*.log";
      frequency = "daily";
      maxsize = "64M"; # NixOS runs logrotate every hour
      rotate = 7;
      compress = true;
      delaycompress = true;
      missingok = true;
      su = "${nginx.user} ${nginx.group}";
      postrotate = "[ ! -f /run/nginx/nginx.pid ] || kill -USR1 $(cat /run/nginx/nginx.pid)";
    };
  };
}

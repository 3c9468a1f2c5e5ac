# What cannot be, told when the configuration is evaluated.
{ config, lib, ... }:
let
  inherit (lib) hasPrefix mkIf optional;
  cfg = config.services.passthru-cache;
  inherit (cfg) settings;
  nginx = config.services.nginx;

  inStore = path: path != null && hasPrefix builtins.storeDir (toString path);
  hasPassword = proxy: proxy != null && builtins.match "[A-Za-z0-9+.-]*://[^/@]*@.*" proxy != null;
  some = predicate: lib.any (upstream: predicate upstream) settings.upstreams;
  differ = name: value: setting: value' : {
    assertion = value == null || value == value';
    message = "services.passthru-cache: ${name} and ${setting} say different things; remove one of them.";
  };
in
{
  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.forceSSL != true || settings.host_name != null;
        message = ''
          services.passthru-cache: forceSSL needs the name that the certificate is for.
          Write: services.passthru-cache.hostName = "cache.example.org";
        '';
      }
      {
        assertion = settings.mode != "tls" || settings.host_name != null || cfg.forceSSL == true;
        message = ''
          services.passthru-cache: settings.mode = "tls" needs the name that the certificate is for.
          Write: services.passthru-cache.hostName = "cache.example.org";
        '';
      }
      {
        assertion = !(cfg.lanMode && cfg.forceSSL == true);
        message = ''
          services.passthru-cache: lanMode is plain HTTP under a .local name, for which nobody can have a certificate, so forceSSL cannot be.
          Remove one of them.
        '';
      }
      {
        assertion = cfg.upstream == null || map (upstream: upstream.url) settings.upstreams == [ cfg.upstream ];
        message = ''
          services.passthru-cache: upstream and settings.upstreams are both set.
          Keep settings.upstreams, and write the one upstream as { url = "${toString cfg.upstream}"; } into it.
        '';
      }
      (differ "hostName" cfg.hostName "settings.host_name" settings.host_name)
      (differ "cacheSize" cfg.cacheSize "settings.cache.size" settings.cache.size)
      (differ "inactivity" cfg.inactivity "settings.cache.inactive" settings.cache.inactive)
      (differ "stats.enable" cfg.stats.enable "settings.status.enable" settings.status.enable)
      (differ "stats.path" cfg.stats.path "settings.status.path" settings.status.path)
      {
        assertion = !some (upstream: inStore upstream.credentials_file);
        message = ''
          services.passthru-cache: a credentials_file of settings.upstreams is in the Nix store, which everybody can read.
          Write the path of a file outside of it, in quotes: "/run/keys/upstream".
        '';
      }
      {
        assertion = settings.tls == null || !inStore settings.tls.certificate_key;
        message = ''
          services.passthru-cache: settings.tls.certificate_key is in the Nix store, which everybody can read.
          Write the path of a file outside of it, in quotes: "/run/keys/cache.key".
        '';
      }
      {
        assertion = !some (upstream: hasPassword upstream.proxy);
        message = ''
          services.passthru-cache: a proxy of settings.upstreams holds a password, and settings end up in the Nix store, which everybody can read.
          Run a proxy without a password on this machine that leads to the other one, and name that.
        '';
      }
      {
        assertion = !hasPrefix "/home/" settings.cache.directory;
        message = ''
          services.passthru-cache: settings.cache.directory is below /home, which NixOS hides from nginx.
          Write another one, such as "/srv/passthru".
        '';
      }
      {
        assertion = lib.versionAtLeast (nginx.package.version or "1.28") "1.27.3";
        message = ''
          services.passthru-cache: nginx before 1.27.3 cannot look up its upstreams again while it runs.
          Set services.nginx.package to pkgs.nginxStable or pkgs.nginxMainline of a NixOS from 25.05 on.
        '';
      }
    ];

    warnings = optional (cfg.stats.allowLocalOnly == false && settings.mode == "tls") ''
      services.passthru-cache: with stats.allowLocalOnly = false everybody who reaches the cache sees its status page.
      To let some in, write their networks into settings.status.allow.
    '' ++ optional (settings.mode == "local" && cfg.openFirewall == true) ''
      services.passthru-cache: openFirewall opens a port on which nobody but this machine is answered.
      To serve others, set lanMode or hostName.
    '';
  };
}

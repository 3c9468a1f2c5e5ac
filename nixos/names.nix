# The names that users of nixos-passthru-cache know, each turned into a setting of the spec.
{ config, lib, ... }:
let
  inherit (lib) mkDefault mkIf;
  cfg = config.services.passthru-cache;

  serves = cfg.hostName != null || cfg.lanMode;
  overTls = if cfg.forceSSL != null then cfg.forceSSL else cfg.hostName != null && !cfg.lanMode;
  given = value: mkIf (value != null) (mkDefault value);
  local = [ "127.0.0.0/8" "::1" ];
  everybody = [ "0.0.0.0/0" "::/0" ];
in
{
  config.services.passthru-cache.settings = mkIf cfg.enable {
    mode = mkIf (serves || overTls) (mkDefault (if overTls then "tls" else "lan"));
    host_name =
      if cfg.hostName != null then mkDefault cfg.hostName
      else mkIf (cfg.settings.mode == "lan") (mkDefault "${config.networking.hostName}.local");
    upstreams = mkIf (cfg.upstream != null) (mkDefault [ { url = cfg.upstream; } ]);
    cache.size = given cfg.cacheSize;
    cache.inactive = given cfg.inactivity;
    # A host name over plain HTTP is no LAN: nobody asked for an announcement.
    mdns.enable = mkIf (cfg.hostName != null && !overTls && !cfg.lanMode) (mkDefault false);
    status.enable = given cfg.stats.enable;
    status.path = given cfg.stats.path;
    status.allow =
      if cfg.stats.allowLocalOnly != null then mkDefault (if cfg.stats.allowLocalOnly then local else everybody)
      else mkIf (cfg.hostName != null && !cfg.lanMode) (mkDefault local);
  };
}

# What runs beside nginx, a unit each: the one list of it.
{ config, lib, pkgs, spec, specFile, program }:
let
  cfg = config.services.passthru-cache;
  nginx = config.services.nginx;

  sidecars = [
    {
      name = "exporter";
      description = "Metrics and status page of passthru";
      wanted = cfg.settings.status.enable;
      network = "none";
      serviceConfig.StateDirectory = "${lib.removePrefix "/var/lib/" spec.directories.state}/stats";
    }
    {
      name = "mdns";
      description = "Announcement of passthru on the local network";
      wanted = spec.announced;
      network = "neighbours";
    }
    {
      name = "tunnel";
      description = "Ways of passthru through proxies";
      wanted = spec.proxied;
      network = "calls";
    }
  ];

  unit = sidecar: lib.nameValuePair "passthru-${sidecar.name}" {
    inherit (sidecar) description;
    wantedBy = [ "multi-user.target" ];
    after = [ "network.target" "nginx.service" ];
    # It goes on trying: what it waits for may come late.
    unitConfig.StartLimitIntervalSec = 0;
    restartTriggers = [ specFile ];
    serviceConfig = import ./hardening.nix { inherit lib; inherit (sidecar) network; } // {
      Type = "notify";
      ExecStart = "${program} ${sidecar.name} ${specFile}";
      Restart = "always";
      RestartSec = "2s";
      # 2 and 78: the command line or the spec is wrong, and will be the next time.
      RestartPreventExitStatus = "2 78";
      Group = nginx.group;
      ReadWritePaths = [ spec.directories.runtime ];
    } // sidecar.serviceConfig or { };
  };
in
{
  inherit sidecars;
  services = lib.listToAttrs (map unit (lib.filter (sidecar: sidecar.wanted) sidecars));
}

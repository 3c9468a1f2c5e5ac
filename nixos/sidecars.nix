# What runs beside nginx, a unit each: the one list of it.
{ config, lib, pkgs, spec, specFile, program }:
let
  cfg = config.services.passthru-cache;
  nginx = config.services.nginx;

  # `reads` what nginx's workers have written, which nobody but their own user can; the others are users
  # that exist while they run. `writes` are directories, besides that of the sockets. Those that carry a
  # download's bytes leave in peace on `stopSignal`.
  sidecars = [
    {
      name = "exporter";
      description = "Metrics and status page of passthru";
      wanted = cfg.settings.status.enable;
      network = "none";
      reads = true;
      writes = [ "${spec.directories.state}/stats" ];
    }
    {
      name = "fills";
      description = "Reading along what passthru downloads for another";
      wanted = true;
      network = "none";
      reads = true;
      writes = [ ];
      stopSignal = "SIGQUIT";
    }
    {
      name = "hot";
      description = "Plain files of what passthru is asked for again and again";
      wanted = cfg.settings.cache.hot != 0;
      network = "none";
      reads = true;
      writes = [ ];
    }
    {
      name = "mdns";
      description = "Announcement of passthru on the local network";
      wanted = spec.announced || spec.follow || spec.shares;
      network = "neighbours";
      reads = false;
      # As it was rendered: of the name that nginx bears in the loop guard, too.
      words = "--live ${spec.directories.state} --runtime ${spec.directories.runtime}";
      writes = [ spec.directories.state ];
    }
    {
      name = "tunnel";
      description = "Ways of passthru through proxies";
      wanted = spec.proxied;
      network = "calls";
      reads = false;
      writes = [ ];
      stopSignal = "SIGQUIT";
    }
  ];

  unit = sidecar: lib.nameValuePair "passthru-${sidecar.name}" {
    inherit (sidecar) description;
    wantedBy = [ "multi-user.target" ];
    after = [ "network.target" "nginx.service" ];
    # It goes on trying: what it waits for may come late.
    unitConfig = {
      StartLimitIntervalSec = 0;
      RequiresMountsFor = [ spec.directories.state ];
    };
    restartTriggers = [ specFile ];
    serviceConfig = import ./hardening.nix { inherit lib; inherit (sidecar) network; } // {
      Type = "notify";
      ExecStart = "${program} ${sidecar.name} ${sidecar.words or specFile}";
      Restart = "always";
      RestartSec = "2s";
      # 2 and 78: the command line or the spec is wrong, and will be the next time.
      RestartPreventExitStatus = "2 78";
      # Signs of life are given while its event loop turns: one that is frozen is killed.
      WatchdogSec = "15s";
      KillSignal = sidecar.stopSignal or "SIGTERM";
      TimeoutStopSec = "5s";
      Group = nginx.group;
      ReadWritePaths = [ spec.directories.runtime ] ++ sidecar.writes;
    } // lib.optionalAttrs sidecar.reads {
      DynamicUser = false;
      User = nginx.user;
    };
  };
in
{
  inherit sidecars;
  services = lib.listToAttrs (map unit (lib.filter (sidecar: sidecar.wanted) sidecars));
}

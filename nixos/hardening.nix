# What no sidecar needs, and none can do. `network` is "none" (unix sockets alone), "calls" (connections
# to others as well) or "neighbours" (and the list of interfaces, which multicast takes).
{ lib, network }:
{
  DynamicUser = true;
  CapabilityBoundingSet = "";
  AmbientCapabilities = "";
  NoNewPrivileges = true;
  ProtectSystem = "strict";
  ProtectHome = true;
  PrivateTmp = true;
  PrivateDevices = true;
  PrivateUsers = true;
  ProtectHostname = true;
  ProtectClock = true;
  ProtectKernelTunables = true;
  ProtectKernelModules = true;
  ProtectKernelLogs = true;
  ProtectControlGroups = true;
  ProtectProc = "invisible";
  RestrictNamespaces = true;
  RestrictRealtime = true;
  RestrictSUIDSGID = true;
  LockPersonality = true;
  MemoryDenyWriteExecute = true;
  RemoveIPC = true;
  SystemCallArchitectures = "native";
  SystemCallFilter = [ "@system-service" "~@privileged @resources" ];
  SystemCallErrorNumber = "EPERM";
  # nginx's group is theirs too: it is to open their sockets, and nobody else.
  UMask = "0007";
  RestrictAddressFamilies = [ "AF_UNIX" ]
    ++ lib.optionals (network != "none") [ "AF_INET" "AF_INET6" ]
    ++ lib.optional (network == "neighbours") "AF_NETLINK";
}
// lib.optionalAttrs (network == "none") {
  PrivateNetwork = true;
  IPAddressDeny = "any";
}

# LAN mode: a client that follows finds the cache by itself, and steps aside when it has gone.
{ pkgs, module }:
let
  small = pkgs.writeText "small" "a path to substitute\n";
in
{
  name = "passthru-lan";

  nodes = {
    upstream = {
      imports = [ (import ./upstream.nix { inherit pkgs; paths = [ small ]; }) ];
    };

    server = {
      imports = [ module ];
      services.passthru-cache = {
        enable = true;
        lanMode = true;
        upstream = "http://192.168.1.3";
        settings.cache.min_free = "0";
      };
    };

    client = { lib, ... }: {
      imports = [ module ];
      virtualisation.writableStore = true;
      nix.settings.require-sigs = false;
      nix.settings.substituters = lib.mkForce [ "http://127.0.0.1:8487" ];
      services.passthru-cache.client.enable = true;
      # An upstream of its own that is never there: what comes, comes from the LAN.
      services.passthru-cache.client.settings.upstreams = [ { url = "http://192.0.2.1"; connect_timeout = "1s"; } ];
    };
  };

  # Machines are numbered by their names' order: client, server, upstream.
  testScript = ''
    start_all()
    upstream.wait_for_open_port(80)
    server.wait_for_unit("passthru-mdns.service")
    server.wait_for_open_port(80)
    client.wait_for_unit("passthru-client.service")

    with subtest("it is found without a word of configuration"):
        client.wait_until_succeeds("nix-store --realise ${small}", timeout=60)

    with subtest("when it has gone, the client's cache still answers"):
        server.crash()
        client.wait_until_succeeds("curl -fsS http://127.0.0.1:8487/health")
        client.succeed("nix-store --delete ${small}")
        client.wait_until_succeeds("nix-store --realise ${small}", timeout=60)
  '';
}

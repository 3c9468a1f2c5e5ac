# Two clients get a path through the cache while the upstream is there, and after it has gone; the cache
# comes back from a reboot with no name server in reach; and a reload breaks no download.
{ pkgs, module }:
let
  small = pkgs.writeText "small" "a path to substitute\n";
  other = pkgs.writeText "other" "a path that is asked for too late\n";
  large = pkgs.runCommand "large" { } "head -c 40000000 /dev/urandom >$out";

  client = { lib, ... }: {
    virtualisation.writableStore = true;
    nix.settings = {
      substituters = lib.mkForce [ "http://server" ];
      require-sigs = false;
      narinfo-cache-negative-ttl = 0;
    };
  };
in
{
  name = "passthru-substitute";

  nodes = {
    upstream = {
      imports = [ (import ./upstream.nix { inherit pkgs; paths = [ small other large ]; }) ];
    };

    server = {
      imports = [ module ];
      services.passthru-cache = {
        enable = true;
        hostName = "server";
        forceSSL = false;
        upstream = "http://192.168.1.4";
        cacheSize = "1G";
        settings.cache.min_free = "0";
      };
      # Somebody else's host, which is to live on.
      services.nginx.virtualHosts."mine.example.org".locations."/".return = "200 mine";
    };

    client1 = client;
    client2 = client;
  };

  # Machines are numbered by their names' order: client1, client2, server, upstream.
  testScript = ''
    small, other, large = "${small}", "${other}", "${large}"

    def hash_of(path):
        return path.removeprefix("/nix/store/").partition("-")[0]

    def fetch(client, path):
        client.succeed(f"nix-store --realise {path}")

    start_all()
    upstream.wait_for_open_port(80)
    server.wait_for_unit("nginx.service")
    server.wait_for_open_port(80)
    server.succeed("curl -fsS http://server/health | grep passthru")
    server.succeed("curl -fsS -H 'Host: mine.example.org' http://server/ | grep mine")

    with subtest("the first client's misses are the second one's hits"):
        fetch(client1, small)
        answer = client2.succeed(f"curl -fsSI http://server/{hash_of(small)}.narinfo")
        assert "X-Cache-Status: HIT" in answer, answer
        fetch(client2, small)

    with subtest("a reload in the middle of a download does not break it"):
        narinfo = client1.succeed(f"curl -fsS http://server/{hash_of(large)}.narinfo")
        url = next(line[5:] for line in narinfo.splitlines() if line.startswith("URL: "))
        client1.execute(f"curl -fsS -o /tmp/large.nar http://server/{url} >/tmp/curl.log 2>&1 & echo $! >/tmp/pid")
        client1.wait_until_succeeds("test $(stat -c %s /tmp/large.nar) -gt 1000000")
        server.succeed("systemctl reload nginx.service")
        client1.wait_until_fails("kill -0 $(cat /tmp/pid)")
        size = next(line[10:] for line in narinfo.splitlines() if line.startswith("FileSize: "))
        client1.succeed(f"test $(stat -c %s /tmp/large.nar) = {size}")

    with subtest("without its upstream it serves what it has, and a failure is no miss"):
        upstream.crash()
        client2.succeed(f"curl -fsS -o /dev/null http://server/{hash_of(large)}.narinfo")
        code = client2.succeed(f"curl -sS -o /dev/null -w '%{{http_code}}' http://server/{hash_of(other)}.narinfo")
        assert code in {"502", "504"}, code

    with subtest("it boots without upstream and without name servers"):
        server.shutdown()
        server.start()
        server.wait_for_unit("nginx.service")
        server.wait_for_open_port(80)
        client1.succeed(f"nix-store --delete {small}")
        fetch(client1, small)

    with subtest("nothing of it runs as root, but systemd's own"):
        for unit in server.succeed("systemctl list-units --plain --no-legend 'passthru-*.service'").splitlines():
            user = server.succeed(f"ps -o user= -p $(systemctl show -P MainPID {unit.split()[0]})").strip()
            assert user != "root", unit
  '';
}

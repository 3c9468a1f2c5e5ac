# A certificate of one's own: HTTPS serves, HTTP leads to it, and a private upstream gets its password.
{ pkgs, module }:
let
  small = pkgs.writeText "small" "a path to substitute\n";
  certificate = pkgs.runCommand "certificate" { nativeBuildInputs = [ pkgs.openssl ]; } ''
    mkdir $out
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=server -addext subjectAltName=DNS:server \
      -keyout $out/key.pem -out $out/cert.pem
  '';
in
{
  name = "passthru-tls";

  nodes = {
    upstream = {
      imports = [ (import ./upstream.nix { inherit pkgs; paths = [ small ]; }) ];
      services.nginx.virtualHosts.upstream.basicAuth.me = "hunter2";
    };

    server = {
      imports = [ module ];
      # A test's secrets may be in the store; the module would not let them be used from there.
      systemd.tmpfiles.settings."00-keys" = {
        "/run/keys/cert.pem".C = { argument = "${certificate}/cert.pem"; user = "nginx"; };
        "/run/keys/key.pem".C = { argument = "${certificate}/key.pem"; user = "nginx"; mode = "0400"; };
        "/run/keys/upstream".f = { argument = "me:hunter2"; mode = "0400"; };
      };
      services.passthru-cache = {
        enable = true;
        hostName = "server";
        settings = {
          tls = { certificate = "/run/keys/cert.pem"; certificate_key = "/run/keys/key.pem"; };
          upstreams = [ { url = "http://192.168.1.3"; credentials_file = "/run/keys/upstream"; } ];
          cache.min_free = "0";
        };
      };
    };

    client = { lib, ... }: {
      virtualisation.writableStore = true;
      security.pki.certificateFiles = [ "${certificate}/cert.pem" ];
      nix.settings = {
        substituters = lib.mkForce [ "https://server" ];
        require-sigs = false;
      };
    };
  };

  # Machines are numbered by their names' order: client, server, upstream.
  testScript = ''
    start_all()
    upstream.wait_for_open_port(80)
    server.wait_for_open_port(443)
    client.succeed("curl -sS -o /dev/null -w '%{redirect_url}' http://server/nix-cache-info | grep https://server/")
    client.succeed("nix-store --realise ${small}")
    server.succeed("grep -r hunter2 /nix/store/*-passthru-nginx && exit 1 || true")
    server.succeed("test $(stat -c %a /run/passthru/late/credentials.conf) = 600")
  '';
}

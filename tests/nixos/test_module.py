"""What the NixOS module comes to, evaluated with each Nix; every figure is of the stand-in for NixOS."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from passthru.systemd.sidecar import SIDECARS, Reach, Sidecar
from tests.nix.clients import Nix
from tests.nixos.conftest import Make
from tests.nixos.machine import EvaluationError, Place, make
from tests.nixos.unit_text import exposure

NAMES = tuple(sidecar.name for sidecar in SIDECARS)

ALL = """{
  enable = true; lanMode = true; client.enable = true;
  settings.upstreams = [
    { url = "https://cache.nixos.org"; proxy = "socks5h://127.0.0.1:1080"; }
    { url = "https://attic.example.org"; credentials_file = "/run/keys/attic"; }
  ];
}"""


@pytest.mark.nix
def test_every_nix_evaluates_it_to_the_same(nix: Nix, a_nix: Nix, place: Place) -> None:
    """Old and new evaluators agree on every value."""
    text = f"{{ services.passthru-cache = {ALL}; }}"

    assert make(nix, place, text).summary == make(a_nix, place, text).summary


def test_enable_alone_serves_this_machine(nixos: Make) -> None:
    """Port 8080 of loopback, nothing open, nothing announced, and no assertion fails."""
    machine = nixos("{ enable = true; }")

    assert machine.wrong == ""
    assert machine.summary["warnings"] == []
    assert (machine.summary["tcp"], machine.summary["udp"]) == ([], [])
    assert [(at["addr"], at["port"]) for at in machine.host["listen"]] == [
        ("127.0.0.1", 8080),
        ("[::1]", 8080),
    ]
    assert not machine.host["forceSSL"]
    assert "passthru-mdns" not in machine.summary["services"]
    assert "passthru-exporter" in machine.summary["services"]


def test_disabled_it_touches_nothing(nixos: Make) -> None:
    """A machine that only imports the module is as it was."""
    summary = nixos("{ }").summary

    assert (summary["services"], summary["tmpfiles"], summary["tcp"]) == ({}, {}, [])
    assert (summary["nix"], summary["paths"], summary["logrotate"]) == ({}, {}, {})


def test_lan_mode_is_open_and_announced(nixos: Make) -> None:
    """Port 80 of all addresses under the name of the machine, and mDNS."""
    machine = nixos("{ enable = true; lanMode = true; }")

    assert machine.wrong == ""
    assert (machine.summary["tcp"], machine.summary["udp"]) == ([80], [5353])
    assert machine.host["serverName"] == "shelf.local"
    assert machine.host["listen"] == []
    assert "passthru-mdns" in machine.summary["services"]
    assert machine.written("passthru.json")["mode"] == "lan"


def test_a_host_name_brings_a_certificate(nixos: Make) -> None:
    """HTTPS by ACME, unless a certificate is given or TLS is not wanted."""
    acme = nixos('{ enable = true; hostName = "cache.example.org"; }')
    own = nixos(
        """{ enable = true; hostName = "cache.example.org";
             settings.tls = { certificate = "/k/c"; certificate_key = "/k/k"; }; }"""
    )
    plain = nixos('{ enable = true; hostName = "cache.example.org"; forceSSL = false; }')

    assert (acme.wrong, own.wrong, plain.wrong) == ("", "", "")
    assert acme.summary["tcp"] == [80, 443]
    assert (acme.host["forceSSL"], acme.host["enableACME"]) == (True, True)
    assert acme.written("passthru.json")["tls"] == {
        "certificate": "/var/lib/acme/cache.example.org/fullchain.pem",
        "certificate_key": "/var/lib/acme/cache.example.org/key.pem",
    }
    assert (own.host["enableACME"], own.host["sslCertificate"]) == (False, "/k/c")
    assert (plain.summary["tcp"], plain.host["forceSSL"]) == ([80], False)
    assert plain.summary["udp"] == []


@pytest.mark.parametrize(
    ("options", "path", "value"),
    [
        ('hostName = "c.org";', "host_name", "c.org"),
        ('upstream = "https://a.org";', "upstreams", [{"url": "https://a.org", "public_keys": []}]),
        ('cacheSize = "9G";', "cache.size", "9G"),
        ('inactivity = "9d";', "cache.inactive", "9d"),
        ("lanMode = true;", "mode", "lan"),
        ('hostName = "c.org"; forceSSL = true;', "mode", "tls"),
        ("stats.enable = false;", "status.enable", False),
        ('stats.path = "/s";', "status.path", "/s"),
        ("stats.allowLocalOnly = false;", "status.allow", ["0.0.0.0/0", "::/0"]),
    ],
)
def test_each_short_name_is_a_setting(nixos: Make, options: str, path: str, value: object) -> None:
    """What users of nixos-passthru-cache write reaches the spec."""
    found = nixos(f"{{ enable = true; {options} }}").written("passthru.json")
    for name in path.split("."):
        found = found[name]

    assert found == value


def test_other_virtual_hosts_live_on(a_nix: Nix, place: Place) -> None:
    """What the machine serves besides is untouched, and is not the default any less."""
    machine = make(
        a_nix,
        place,
        """{ services.passthru-cache = { enable = true; lanMode = true; };
             services.nginx.virtualHosts."www.example.org" = { default = true; forceSSL = true; };
             services.nginx.commonHttpConfig = "# mine"; }""",
    )
    nginx = machine.summary["nginx"]

    assert nginx["virtualHosts"]["www.example.org"]["default"]
    assert not machine.host["default"]
    assert "# mine" in nginx["commonHttpConfig"]
    assert "/http.conf;" in nginx["commonHttpConfig"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("forceSSL = true;", "forceSSL needs the name"),
        ('settings.mode = "tls";', "needs the name that the certificate is for"),
        ("lanMode = true; forceSSL = true;", "nobody can have a certificate"),
        (
            'upstream = "https://a.org"; settings.upstreams = [ { url = "https://b.org"; } ];',
            "upstream and settings.upstreams are both set",
        ),
        ('cacheSize = "1G"; settings.cache.size = "2G";', "cacheSize and settings.cache.size"),
        ('inactivity = "1d"; settings.cache.inactive = "2d";', "inactivity and settings.cache"),
        (
            'settings.upstreams = [ { url = "https://a.org"; credentials_file = "${./c.nix}"; } ];',
            "credentials_file of settings.upstreams is in the Nix store",
        ),
        (
            """hostName = "c.org";
               settings.tls = { certificate = "/c"; certificate_key = "${./c.nix}"; };""",
            "certificate_key is in the Nix store",
        ),
        (
            """settings.upstreams = [
                 { url = "https://a.org"; proxy = "http://me:hunter2@127.0.0.1:1"; } ];""",
            "a proxy of settings.upstreams holds a password",
        ),
        ('settings.cache.directory = "/home/me/cache";', "below /home"),
        (
            """client = { enable = true; port = 8081; }; settings.listen.port = 8081;""",
            "client.port and settings.listen.port",
        ),
        (
            """client = { enable = true; settings.upstreams = [
                 { url = "https://a.org"; credentials_file = "${./c.nix}"; } ]; };""",
            "credentials_file of client.settings.upstreams",
        ),
    ],
)
def test_what_cannot_be_is_told(nixos: Make, place: Place, options: str, said: str) -> None:
    """An assertion says what is wrong and what to write."""
    (place.folder / "c.nix").write_text("secret")
    wrong = nixos(f"{{ enable = true; {options} }}").wrong

    assert said in wrong
    assert "hunter2" not in wrong


def test_an_old_nginx_is_refused(a_nix: Nix, place: Place) -> None:
    """Before 1.27.3 nginx cannot follow its upstreams' addresses."""
    old = Place(place.folder, place.passthru, place.nginx, nginx_version="1.26.3")
    machine = make(a_nix, old, "{ services.passthru-cache.enable = true; }")

    assert "nginx before 1.27.3" in machine.wrong


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('hostName = "c.org"; stats.allowLocalOnly = false;', "everybody who reaches the cache"),
        ("openFirewall = true;", "nobody but this machine is answered"),
    ],
)
def test_what_is_odd_is_warned_of(nixos: Make, options: str, said: str) -> None:
    """It works, and somebody might be surprised."""
    warnings = nixos(f"{{ enable = true; {options} }}").summary["warnings"]

    assert said in "\n".join(warnings)


@pytest.mark.parametrize(
    "options", ['settings.mode = "wan";', "hostName = 1;", "settings.listen.port = 70000;"]
)
def test_a_typed_option_refuses_another_type(nixos: Make, options: str) -> None:
    """Already while evaluating, as every NixOS option."""
    with pytest.raises(EvaluationError, match=r"is not of type"):
        nixos(f"{{ enable = true; {options} }}")


def test_an_unknown_option_is_refused(nixos: Make) -> None:
    """Beside `settings`, whose keys passthru knows better."""
    with pytest.raises(EvaluationError, match=r"hostname. does not exist"):
        nixos('{ enable = true; hostname = "c.org"; }')


@pytest.mark.parametrize(
    ("options", "tcp"),
    [
        ("lanMode = true; openFirewall = false;", []),
        ("openFirewall = true; settings.listen.port = 81;", [81]),
        ('hostName = "c.org"; settings.listen.tls_port = 8443;', [80, 8443]),
    ],
)
def test_the_firewall_follows(nixos: Make, options: str, tcp: list[int]) -> None:
    """The ports that are listened on, or none if asked."""
    assert nixos(f"{{ enable = true; {options} }}").summary["tcp"] == tcp


def test_following_needs_ears(nixos: Make) -> None:
    """A cache for this machine alone that follows others hears mDNS, and lets nobody in."""
    machine = nixos("{ enable = true; settings.lan.follow = true; }")
    closed = nixos("{ enable = true; settings.lan.follow = true; openFirewall = false; }")

    assert (machine.summary["tcp"], machine.summary["udp"]) == ([], [5353])
    assert closed.summary["udp"] == []
    assert "passthru-mdns" in machine.summary["services"]


@pytest.mark.parametrize("peers", ["discover = true;", 'urls = [ "http://10.0.0.2" ];'])
def test_peers_need_their_sidecar(nixos: Make, peers: str) -> None:
    """A cache that shares the work of a site is led to the others by it."""
    machine = nixos(f"{{ enable = true; settings.peers = {{ {peers} }}; }}")

    assert "passthru-mdns" in machine.summary["services"]


def test_secrets_are_loaded_by_systemd(nixos: Make) -> None:
    """The spec in the store names systemd's copy; nginx's user and the store never see the file."""
    machine = nixos(ALL)
    late = machine.service("passthru-late")["serviceConfig"]
    upstreams = machine.written("passthru.json")["upstreams"]

    assert late["LoadCredential"] == ["upstream-1:/run/keys/attic"]
    assert late["User"] == "nginx"
    assert upstreams[1]["credentials_file"] == "/run/credentials/passthru-late.service/upstream-1"
    assert "/run/keys/attic" not in machine.summary["render"]
    assert "passthru-late.service" in machine.service("nginx")["wants"]


@pytest.mark.parametrize(
    ("configuration", "resolvers"),
    [
        ("", []),
        ("services.resolved.enable = true;", ["127.0.0.53"]),
        ("networking.resolvconf.useLocalResolver = true;", ["127.0.0.1"]),
        ('services.nginx.resolver.addresses = [ "192.0.2.1" ];', ["192.0.2.1"]),
        (
            'services.passthru-cache.resolvers = [ "[fd00::1]" ]; services.resolved.enable = true;',
            ["[fd00::1]"],
        ),
    ],
)
def test_name_servers_are_those_of_the_machine(
    a_nix: Nix, place: Place, configuration: str, resolvers: list[str]
) -> None:
    """Known ones are built in; others are found when nginx starts, and when they change."""
    machine = make(a_nix, place, f"{{ services.passthru-cache.enable = true; {configuration} }}")

    assert machine.written("machine.json")["resolvers"] == resolvers
    assert ("passthru-late" in machine.summary["services"]) == (resolvers == [])
    assert ("passthru-late-changed" in machine.summary["paths"]) == (resolvers == [])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_every_unit_is_hardened(nixos: Make, tmp_path: Path) -> None:
    """`systemd-analyze security` rates each of our units at 2.0 or better."""
    machine = nixos(ALL)
    ours = [name for name in machine.summary["services"] if name.startswith("passthru-")]

    assert set(ours) == {f"passthru-{name}" for name in (*NAMES, "client", "late", "late-changed")}
    for name in ours:
        assert exposure(machine.service(name), name, tmp_path, threshold=20) == ""
        assert machine.service(name)["serviceConfig"].get("User") != "root"


@pytest.mark.parametrize("sidecar", SIDECARS, ids=lambda sidecar: sidecar.name)
def test_a_sidecar_s_unit_is_as_elsewhere(nixos: Make, sidecar: Sidecar) -> None:
    """What `passthru install` knows of a sidecar holds here too."""
    unit = nixos(ALL).service(f"passthru-{sidecar.name}")
    config = unit["serviceConfig"]

    assert unit["description"] == sidecar.description
    assert config["KillSignal"] == sidecar.stop_signal
    assert config.get("PrivateNetwork", False) == (sidecar.reach is Reach.NONE)
    assert ("AF_NETLINK" in config["RestrictAddressFamilies"]) == (
        sidecar.reach is Reach.NEIGHBOURS
    )


def test_only_who_reads_nginx_s_files_is_its_user(nixos: Make) -> None:
    """The others are users that exist while they run; all are in the group that opens sockets."""
    machine = nixos(ALL)
    users = {
        name: machine.service(f"passthru-{name}")["serviceConfig"].get("User") for name in NAMES
    }

    assert users == {
        "exporter": "nginx",
        "fills": "nginx",
        "hot": "nginx",
        "mdns": None,
        "tunnel": None,
    }
    for name in NAMES:
        config = machine.service(f"passthru-{name}")["serviceConfig"]
        assert config["DynamicUser"] == (users[name] is None)
        assert config["Group"] == "nginx"
        assert (config["Type"], config["WatchdogSec"]) == ("notify", "15s")


def test_a_wrong_spec_is_not_started_again_and_again(nixos: Make) -> None:
    """Exit code 78 ends a unit for good, and 2 those whose command line we write."""
    services: dict[str, Any] = dict(nixos(ALL).summary["services"])
    codes = {
        name: unit["serviceConfig"]["RestartPreventExitStatus"].split()
        for name, unit in services.items()
        if "Restart" in unit["serviceConfig"]
    }

    assert len(codes) >= 4
    assert all("78" in found for found in codes.values())


def test_a_client_uses_its_own_cache_first(nixos: Make) -> None:
    """Nix is pointed at it, nginx of NixOS is not needed, and nothing but mDNS is let in."""
    machine = nixos("{ client.enable = true; }")
    unit = machine.service("passthru-client")["serviceConfig"]

    assert machine.wrong == ""
    assert machine.summary["nix"]["substituters"] == ["http://127.0.0.1:8487"]
    assert (machine.summary["tcp"], machine.summary["udp"]) == ([], [5353])
    assert machine.summary["nginx"] == {}
    assert "passthru up " in unit["ExecStart"]
    assert unit["DynamicUser"]

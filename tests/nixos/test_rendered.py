"""What the module's derivations would make: their commands are run here, and nginx reads the result."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.nginx.certificates import Authority
from tests.nginx.nginxes import NginxBinary
from tests.nix.clients import Nix
from tests.nixos.conftest import Make
from tests.nixos.machine import NixosMachine, Place, make

# In the order in which the nginx module of NixOS writes them, with one more virtual host.
NGINX_CONF: Final = """\
pid {folder}/nginx.pid;
error_log stderr;
daemon off;
events {{ {eventsConfig} }}
http {{
    default_type application/octet-stream;
    client_body_temp_path {folder}/temp;
    proxy_temp_path {folder}/temp;
    fastcgi_temp_path {folder}/temp;
    uwsgi_temp_path {folder}/temp;
    scgi_temp_path {folder}/temp;
    gzip on;
    gzip_types text/plain application/json;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_redirect off;
    client_max_body_size 10m;
    server_tokens off;
    {commonHttpConfig}
    server {{
        {listen}
        server_name {name};
        {tls}
        {extraConfig}
    }}
    server {{
        listen 127.0.0.1:{other};
        server_name www.example.org;
        location / {{ return 200 "mine\\n"; }}
    }}
    {appendHttpConfig}
}}
{appendConfig}
"""


def places(folder: Path) -> str:
    """Return settings that keep everything in a folder."""
    return f"""
      runtime_directory = "{folder}/run"; state_directory = "/var/lib/passthru";
      cache.directory = "{folder}/cache";"""


def write_nginx_conf(machine: NixosMachine, *, tls: str = "", other: int = 18999) -> Path:
    """Write what NixOS would make of services.nginx, and the directories of systemd-tmpfiles."""
    folder = machine.place.folder
    nginx, host = machine.summary["nginx"], machine.host
    for made in ("run/late", "cache", "temp", "state/logs"):
        (folder / made).mkdir(parents=True, exist_ok=True)
    kept = {key: nginx[key] for key in NGINX_KEYS}
    text = NGINX_CONF.format(
        folder=folder,
        name=host["serverName"],
        listen="\n".join(
            f"listen {at['addr']}:{at['port']}{' ssl' if at['ssl'] else ''};"
            for at in host["listen"]
            if at["ssl"] == host["forceSSL"]
        ),
        tls=tls,
        other=other,
        extraConfig=host["extraConfig"],
        **kept,
    )
    path = folder / "nginx.conf"
    path.write_text(text)
    return path


NGINX_KEYS: Final = ("eventsConfig", "commonHttpConfig", "appendHttpConfig", "appendConfig")


def move_logs(machine: NixosMachine) -> None:
    """Have the rendering log into the machine's folder: a test may not write to /var/lib."""
    server = machine.place.out / "passthru-nginx/server.conf"
    logs = f"{machine.place.folder}/state/logs/"
    server.write_text(server.read_text().replace("/var/lib/passthru/logs/", logs))


def accepts(nginx: NginxBinary, conf: Path) -> str:
    """Return what `nginx -t` complains of."""
    done = subprocess.run(
        [str(nginx.path), "-t", "-c", str(conf), "-p", str(conf.parent), "-e", "stderr"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return "\n".join(line for line in done.stderr.splitlines() if "[" in line)


def stand_in(machine: NixosMachine) -> None:
    """Do what systemd-tmpfiles does with the lines of type C, in this machine's folder."""
    for path, kinds in machine.summary["tmpfiles"]["10-passthru-cache"].items():
        if "C" in kinds:
            Path(path).write_text(Path(kinds["C"]["argument"]).read_text())


SECRET: Final = """settings.upstreams = [
  { url = "https://cache.nixos.org"; }
  { url = "https://attic.example.org/team"; credentials_file = "/run/keys/attic"; }
];"""


@pytest.mark.parametrize("more", ["", SECRET, 'resolvers = [ "127.0.0.53" ];'])
def test_nginx_of_nixos_takes_it(
    nixos: Make, place: Place, modern_nginx: NginxBinary, more: str
) -> None:
    """Built from the module's own command, laid out as NixOS does, with the stand-ins of a boot."""
    machine = nixos(f"{{ enable = true; settings = {{ {places(place.folder)} }}; {more} }}")
    built = machine.build()
    conf = write_nginx_conf(machine)
    move_logs(machine)
    stand_in(machine)

    assert (machine.wrong, built.returncode) == ("", 0), built.stderr
    assert accepts(modern_nginx, conf) == ""


def test_nginx_takes_it_with_tls(nixos: Make, place: Place, modern_nginx: NginxBinary) -> None:
    """The certificate is the virtual host's, and the redirect NixOS's own."""
    machine = nixos(
        f"""{{ enable = true; hostName = "cache.example.org"; resolvers = [ "127.0.0.1" ];
              settings = {{ listen.port = 18080; listen.tls_port = 18443;
              {places(place.folder)} }}; }}"""
    )
    assert machine.build().returncode == 0
    certificate, key = Authority(place.folder).issue("cache.example.org")
    conf = write_nginx_conf(
        machine, tls=f"ssl_certificate {certificate}; ssl_certificate_key {key};"
    )
    move_logs(machine)

    assert accepts(modern_nginx, conf) == ""


def test_gixy_lets_the_build_pass(nixos: Make, place: Place) -> None:
    """NixOS has it read nginx.conf and all that is included, when late files are not there yet."""
    pytest.importorskip("gixy", reason="gixy does not run on this Python")
    machine = nixos(f"{{ enable = true; settings = {{ {places(place.folder)} }}; {SECRET} }}")
    assert machine.build().returncode == 0
    conf = write_nginx_conf(machine)
    done = subprocess.run(
        [str(Path(sys.executable).parent / "gixy"), str(conf)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ('settings.cache.szie = "1G";', "cache.szie: "),
        ('cacheSize = "a lot";', "cache.size: "),
        ('inactivity = "1 fortnight";', "cache.inactive: "),
        ('upstream = "cache.nixos.org";', "upstreams[0].url: "),
        ('settings.upstreams = [ { url = "http://shelf.local"; } ];', "cannot look up shelf.local"),
    ],
)
def test_a_bad_spec_fails_the_build_with_our_words(nixos: Make, options: str, said: str) -> None:
    """Long before anything restarts."""
    machine = nixos(f"{{ enable = true; {options} }}")
    built = machine.build()

    assert machine.wrong == ""
    assert built.returncode != 0
    assert said in built.stderr
    assert not (machine.place.out / "passthru-nginx").exists()


def test_no_secret_is_in_what_is_built(nixos: Make) -> None:
    """Not in the rendering, not in the spec, and not even the path of its file."""
    machine = nixos(f"{{ enable = true; {SECRET} }}")
    assert machine.build().returncode == 0
    built = [
        path.read_text()
        for folder in (machine.place.out, machine.place.store)
        for path in folder.rglob("*")
        if path.is_file() and ".drv" not in path.name
    ]

    assert len(built) > 5
    assert not any("/run/keys" in text for text in built)
    assert 'default "";' in (machine.place.out / "passthru-nginx/late/credentials.conf").read_text()


def test_the_machine_writes_what_the_build_left(nixos: Make, place: Place) -> None:
    """The command of passthru-late.service, run with a credential where systemd puts it."""
    secret = place.folder / "secret"
    secret.write_text("me:hunter2")
    secret.chmod(0o600)
    machine = nixos(f"{{ enable = true; settings = {{ {places(place.folder)} }}; {SECRET} }}")
    command = machine.here(machine.service("passthru-late")["serviceConfig"]["ExecStart"])
    spec = next(Path(word) for word in command.split() if word.endswith("-passthru.json"))
    known = json.loads(spec.read_text())
    known["upstreams"][1]["credentials_file"] = str(secret)
    there = place.folder / "spec.json"
    there.write_text(json.dumps(known))
    done = subprocess.run(
        command.replace(str(spec), str(there)).split(),
        env={"PATH": f"{place.nginx}/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    late = place.folder / "run/late"
    assert "Basic bWU6aHVudGVyMg==" in (late / "credentials.conf").read_text()
    assert re.search(r"^resolver \S+", (late / "resolvers.conf").read_text(), re.MULTILINE)


def test_two_machines_are_told_apart(a_nix: Nix, place: Place) -> None:
    """Caches of one chain, called alike, do not take one another for a loop."""
    first = make(a_nix, place, "{ services.passthru-cache.enable = true; }")
    second = make(
        a_nix,
        place,
        '{ services.passthru-cache = { enable = true; upstream = "http://192.0.2.1"; }; }',
    )
    same = make(a_nix, place, "{ services.passthru-cache.enable = true; }")
    identity = [machine.written("machine.json")["instance"] for machine in (first, second, same)]

    assert identity[0] != identity[1]
    assert identity[0] == identity[2]


def test_a_client_s_spec_is_checked_when_it_is_built(nixos: Make, place: Place) -> None:
    """`passthru up` will take it: the command that makes it has tried."""
    good = nixos("{ client.enable = true; }")
    bad = nixos('{ client = { enable = true; settings.colour = "red"; }; }')

    assert run_client(good, place) == (0, "")
    code, said = run_client(bad, place)
    assert code != 0
    assert "colour: " in said


def run_client(machine: NixosMachine, place: Place) -> tuple[int, str]:
    """Run the derivation of a client's spec; return its exit code and what it said."""
    made = machine.summary["client"]
    (place.folder / "spec").write_text(made["environment"]["spec"])
    done = subprocess.run(
        ["sh", "-euc", machine.here(made["command"])],
        env={
            "PATH": "/bin",
            "out": f"{place.folder}/client.json",
            "specPath": f"{place.folder}/spec",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr

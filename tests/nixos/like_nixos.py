"""A Debian made to look like the NixOS of a configuration: the units, directories and nginx.conf of it.

Its nginx unit is like that of NixOS in what matters here: another user than root, from the master on,
and a file system that cannot be written to.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.nginx.nginxes import NginxBinary
from tests.nixos.machine import NixosMachine
from tests.nixos.unit_text import lines, unit_text
from tests.packaging.debian_root import DebianRoot

PASSTHRU: Final = Path("/opt/passthru")
NGINX: Final = Path("/opt/nginx")
OUT: Final = Path("/opt/out")
CONF: Final = "/etc/nginx/nginx.conf"
UNITS: Final = "/etc/systemd/system"

LAUNCHER: Final = """\
#!/usr/bin/python3 -I
import sys
sys.path.insert(0, "/opt/passthru/lib")
from passthru.cli import main
sys.exit(main())
"""
NGINX_CONF: Final = """\
pid /run/nginx/nginx.pid;
error_log stderr;
daemon off;
events {{ {eventsConfig} }}
http {{
    client_body_temp_path /var/cache/nginx/body;
    proxy_temp_path /var/cache/nginx/proxy;
    fastcgi_temp_path /var/cache/nginx/fastcgi;
    uwsgi_temp_path /var/cache/nginx/uwsgi;
    scgi_temp_path /var/cache/nginx/scgi;
    {commonHttpConfig}
    server {{
        listen 0.0.0.0:80;
        server_name {name};
        {extraConfig}
    }}
    server {{
        listen 0.0.0.0:80;
        server_name mine.example.org;
        location / {{ return 200 "mine\\n"; }}
    }}
    {appendHttpConfig}
}}
{appendConfig}
"""
NGINX_UNIT: Final = {
    "User": "nginx",
    "Group": "nginx",
    "ExecStart": f"{NGINX}/bin/nginx -c {CONF} -e stderr",
    "ExecReload": [f"{NGINX}/bin/nginx -c {CONF} -e stderr -t", "/bin/kill -HUP $MAINPID"],
    "Restart": "always",
    "RestartSec": "1s",
    "RuntimeDirectory": "nginx",
    "CacheDirectory": "nginx",
    "LogsDirectory": "nginx",
    "UMask": "0027",
    "AmbientCapabilities": "CAP_NET_BIND_SERVICE CAP_SYS_RESOURCE",
    "CapabilityBoundingSet": "CAP_NET_BIND_SERVICE CAP_SYS_RESOURCE",
    "NoNewPrivileges": True,
    "ProtectSystem": "strict",
    "ProtectHome": True,
    "ProtectProc": "invisible",
    "ProcSubset": "pid",
    "PrivateTmp": True,
    "PrivateDevices": True,
    "MemoryDenyWriteExecute": True,
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
}


def put_programs(root: DebianRoot, package: Path, nginx: NginxBinary) -> None:
    """Put the content of our Debian package, and an nginx of another release, where they are expected."""
    unpacked = root.inside("/opt/unpacked")
    subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True, timeout=60)
    for place in (PASSTHRU, NGINX):
        root.inside(place / "bin").mkdir(parents=True)
    (unpacked / "usr/lib/passthru").rename(root.inside(PASSTHRU / "lib"))
    shutil.rmtree(unpacked)
    shutil.copytree(nginx.path.parents[1], root.inside(NGINX / "root"), symlinks=True)
    _write(root, PASSTHRU / "bin/passthru", LAUNCHER)
    _write(root, NGINX / "bin/nginx", f'#!/bin/sh\nexec {NGINX}/root/wrappers/nginx "$@"\n')
    for place in (PASSTHRU / "bin/passthru", NGINX / "bin/nginx"):
        root.inside(place).chmod(0o755)


def put_machine(root: DebianRoot, machine: NixosMachine, *, left_out: frozenset[str]) -> None:
    """Write all that NixOS would have of a machine; units in `left_out` are not."""
    shutil.copytree(machine.place.store, root.inside("/nix/store"), dirs_exist_ok=True)
    root.inside(OUT).mkdir(exist_ok=True)
    _write(root, "/etc/tmpfiles.d/passthru.conf", tmpfiles(machine))
    nginx = machine.summary["nginx"]
    keys = ("eventsConfig", "commonHttpConfig", "appendHttpConfig", "appendConfig")
    kept = {key: nginx[key] for key in keys}
    host = machine.host
    text = NGINX_CONF.format(name=host["serverName"], extraConfig=host["extraConfig"], **kept)
    _write(root, CONF, text)
    _write(root, "/opt/pre", f"#!/bin/sh\n{nginx['preStart']}\n{NGINX}/bin/nginx -c {CONF} -t\n")
    root.inside("/opt/pre").chmod(0o755)
    for name, unit in machine.summary["services"].items():
        if name in left_out or name == "nginx-config-reload":
            continue
        if name == "nginx":
            ours = {**NGINX_UNIT, "ExecStartPre": "/opt/pre", **unit["serviceConfig"]}
            text = unit_text({**unit, "description": "nginx", "serviceConfig": ours})
        else:
            text = unit_text(unit)
        wanted = unit["wantedBy"] or (["multi-user.target"] if name == "nginx" else [])
        _put_unit(root, f"{name}.service", text, wanted)
    for name, path in machine.summary["paths"].items():
        text = "\n".join(("[Path]", *lines(path["pathConfig"]), ""))
        _put_unit(root, f"{name}.path", text, path["wantedBy"])


def tmpfiles(machine: NixosMachine) -> str:
    """Return what NixOS makes of systemd.tmpfiles.settings (tmpfiles.d(5))."""
    keys = ("mode", "user", "group", "age", "argument")
    return "".join(
        " ".join((kind, path, *(rule.get(key, "-") for key in keys))) + "\n"
        for path, kinds in machine.summary["tmpfiles"]["10-passthru-cache"].items()
        for kind, rule in kinds.items()
    )


def _put_unit(root: DebianRoot, name: str, text: str, wanted_by: list[str]) -> None:
    # systemctl of NixOS is in its package, and the stand-in's package is nowhere.
    _write(root, f"{UNITS}/{name}", text.replace("/systemd/bin/", "/bin/"))
    for target in wanted_by:
        link = root.inside(f"{UNITS}/{target}.wants/{name}")
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(f"{UNITS}/{name}")


def _write(root: DebianRoot, path: str | Path, text: str) -> None:
    there = root.inside(path)
    there.parent.mkdir(parents=True, exist_ok=True)
    there.write_text(text, encoding="utf-8")

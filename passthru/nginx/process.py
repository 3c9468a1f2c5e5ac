"""The nginx binary: finding it, asking what it can do, and whether it accepts a configuration."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from passthru.errors import ListenError, NginxError
from passthru.nginx.capabilities import Capabilities, parse_capabilities
from passthru.nginx.errorlog import complaints
from passthru.nginx.site import Site

_PLACES: Final = ("/usr/sbin", "/usr/local/sbin")
_ASK_SECONDS: Final = 10
_TEST_SECONDS: Final = 30

_BIND: Final = re.compile(r"\bbind\(\) to (\S+) failed \((\d+): ([^)]+)\)")
_BIND_HINTS: Final = {
    13: "ports below 1024 need root or CAP_NET_BIND_SERVICE; set listen.port to 8080, say",
    98: "stop what listens there (`ss -ltnp` names it), or set listen.port to a free port",
    99: "no interface has this address; change listen.addresses",
}

_ADVICE: Final = (
    ("key values mismatch", "tls.certificate_key is not the key of tls.certificate"),
    (
        "problems getting password|bad decrypt|bad password read",
        "the key has a passphrase, which nobody is there to type: `openssl pkey -in KEY -out NEW`",
    ),
    (
        "no start line|no certificate or crl found|wrong tag|bad base64",
        "the file is not in PEM format: `openssl x509 -in FILE -inform der -out NEW` makes one of DER",
    ),
    (
        r"mkdir\(\) .* failed \(2",
        "a running instance cannot change its directories: stop it, and start it again",
    ),
    (
        r"cannot load certificate.*(?:No such file|Permission denied)",
        "write the path of a file that can be read: tls.certificate, tls.certificate_key, or ca_file",
    ),
)
"""What OpenSSL says in nginx's lines, and what to do about it."""


def find_nginx() -> str:
    """Return the path of nginx: $PASSTHRU_NGINX, else from PATH, else from the usual places.

    Raises NginxError if there is none.
    """
    chosen = os.environ.get("PASSTHRU_NGINX")
    if chosen:
        found = shutil.which(chosen)
        if found is None:
            raise NginxError(
                f"PASSTHRU_NGINX names {chosen}, which is not a program",
                hint="give the path of an nginx binary, or unset it",
            )
        return str(Path(found).absolute())
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_PLACES))
    found = shutil.which("nginx", path=path)
    if found is None:
        raise NginxError(
            "nginx is not installed: it is neither in PATH nor in " + " or ".join(_PLACES),
            hint="install it (Debian: `apt install nginx-light`, Nix: `nix profile install"
            " nixpkgs#nginx`), or name it in PASSTHRU_NGINX",
        )
    return str(Path(found).absolute())


def read_capabilities(binary: str) -> Capabilities:
    """Ask `nginx -V`; raises NginxError if it does not run, or is not a usable nginx."""
    return parse_capabilities(_run([binary, "-V"], seconds=_ASK_SECONDS).stderr)


def check_configuration(binary: str, conf: Path, *, prefix: str) -> None:
    """Let `nginx -t` read `conf`.

    Raises ListenError for an address it cannot have, NginxError with its own lines otherwise.
    An address in use passes: nginx ignores that here.
    """
    done = _run(
        [binary, "-t", "-p", prefix, "-c", str(conf), "-e", "stderr"], seconds=_TEST_SECONDS
    )
    if done.returncode == 0:
        return
    lines = complaints(done.stderr) or tuple(done.stderr.splitlines()[-5:])
    raise listen_error(lines) or NginxError(
        "nginx refuses the configuration", lines=lines, hint=_advice(lines)
    )


def master_argv(binary: str, site: Site) -> tuple[str, ...]:
    """Return the command line of the master, which names the site for all to see.

    `-e stderr` (nginx 1.19.5) keeps it away from the compiled-in log file before it has read its
    own, which only root may open.
    """
    return (binary, "-p", site.state, "-c", f"{site.live}/nginx.conf", "-e", "stderr")


def clean_environment() -> dict[str, str]:
    """Return our environment without NGINX, from which a master would take over sockets."""
    return {name: value for name, value in os.environ.items() if name != "NGINX"}


def listen_error(lines: tuple[str, ...]) -> ListenError | None:
    """Return the error that a refused bind() in nginx's lines means, if there is one."""
    for line in lines:
        found = _BIND.search(line)
        if found is not None:
            return ListenError(
                f"cannot listen on {found[1]}: {found[3].lower()}",
                hint=_BIND_HINTS.get(int(found[2]), "change listen.addresses or listen.port"),
            )
    return None


def _advice(lines: tuple[str, ...]) -> str | None:
    """Return what to do about what OpenSSL says in words of its own."""
    said = "\n".join(lines)
    return next((advice for pattern, advice in _ADVICE if re.search(pattern, said)), None)


def _run(argv: list[str], *, seconds: float) -> subprocess.CompletedProcess[str]:
    command = f"{argv[0]} {argv[1]}"
    try:
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
            env=clean_environment(),
            start_new_session=True,  # Ctrl-C is for us: nginx's end by it would look like a "no"
        )
    except subprocess.TimeoutExpired as fault:
        raise NginxError(f"`{command}` did not end within {seconds} s") from fault
    except OSError as fault:
        raise NginxError(
            f"cannot run `{command}`: {fault.strerror}",
            hint="name a working nginx in PASSTHRU_NGINX",
        ) from fault

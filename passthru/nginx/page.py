"""The landing page that people see at `/`, and the policy their browsers are to hold it to."""

import base64
import hashlib
import re
from functools import cache
from typing import Final

import jinja2

from passthru.nginx.snippet import new_keys, snippets
from passthru.nginx.templates import template_dir

_STYLE: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)

_ROWS: Final = (
    ("nixos", "NixOS", "In your system configuration, then rebuild."),
    ("nix-conf", "Other Linux, macOS", "In nix.conf, as root; then restart nix-daemon."),
    ("flake", "One flake", "For all who build it, if they are in trusted-users."),
    ("command", "Just once", "To try it, as root or as one of trusted-users."),
)


def landing_page(
    address: str,
    mode: str,
    upstreams: tuple[tuple[str, str], ...],
    public_keys: tuple[str, ...],
    version: str,
    *,
    status: str | None = None,
) -> str:
    """Return the page as HTML; `upstreams` are pairs of name and URL, in order.

    `status` is the path of the status page, where there is one.
    """
    return _template().render(
        address=address,
        mode=mode,
        upstreams=upstreams,
        rows=_ROWS,
        snippets=snippets(address, public_keys),
        keys=new_keys(public_keys),
        version=version,
        status=status,
    )


def content_security_policy(html: str) -> str:
    """Return the policy that lets exactly this page's style and script run, and nothing else.

    It holds no double quote, dollar sign or backslash, so it stands in an nginx string as it is.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hashes(_STYLE, html)}",
            f"script-src {_hashes(_SCRIPT, html)}",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_dir() / "pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("index.html.j2")


def _hashes(block: re.Pattern[str], html: str) -> str:
    """Return the sources of CSP level 3 for all blocks found, or 'none'."""
    digests = (hashlib.sha256(text.encode()).digest() for text in block.findall(html))
    return " ".join(f"'sha256-{base64.b64encode(d).decode()}'" for d in digests) or "'none'"

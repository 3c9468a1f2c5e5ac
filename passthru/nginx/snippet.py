"""The text that clients paste to use a cache, for each kind of client."""

from collections.abc import Mapping
from typing import Final

CACHE_NIXOS_ORG_KEY: Final = "cache.nixos.org-1:"
"""How the one key begins that every Nix trusts already (`trusted-public-keys` in Nix's globals)."""

KINDS: Final = ("nix-conf", "nixos", "flake", "darwin", "ci", "command")

# Nix waits 15 seconds for a connection by default (2.32 and later), 300 before 2.29.
_CONNECT_TIMEOUT: Final = 2

_WHY: Final = "# When the cache is out of reach, go on without it after 2 seconds."
_KEYS: Final = "# Signatures pass through the cache unchanged; these signers are new to Nix."


def snippets(address: str, public_keys: tuple[str, ...]) -> Mapping[str, str]:
    """Return a snippet for each of KINDS; `public_keys` are those of all upstreams.

    A pull-through cache passes signatures on, so it has no key of its own, and the key of
    cache.nixos.org is left out because Nix has it.
    """
    keys = new_keys(public_keys)
    return {
        "nix-conf": _nix_conf(address, keys),
        "nixos": _module(address, keys, head="# configuration.nix, or any NixOS module"),
        "flake": _flake(address, keys),
        "darwin": _module(
            address, keys, head="# darwin-configuration.nix, or any nix-darwin module"
        ),
        "ci": _ci(address, keys),
        "command": _command(address, keys),
    }


def new_keys(public_keys: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys that a client has to add, each once, in their order."""
    unique = dict.fromkeys(public_keys)
    return tuple(key for key in unique if not key.startswith(CACHE_NIXOS_ORG_KEY))


def _settings(address: str, keys: tuple[str, ...]) -> list[str]:
    """Return the lines of a nix.conf, without comments."""
    lines = [f"extra-substituters = {address}"]
    if keys:
        lines.append(f"extra-trusted-public-keys = {' '.join(keys)}")
    return [*lines, f"connect-timeout = {_CONNECT_TIMEOUT}", "fallback = true"]


def _nix_conf(address: str, keys: tuple[str, ...]) -> str:
    substituters, *middle, timeout, fallback = _settings(address, keys)
    return _text(
        # A later `substituters =` would throw away what `extra-substituters` added.
        "# /etc/nix/nix.conf, at the end",
        substituters,
        *([_KEYS, *middle] if middle else []),
        _WHY,
        timeout,
        fallback,
    )


def _module(address: str, keys: tuple[str, ...], *, head: str) -> str:
    return _text(
        head,
        "nix.settings = {",
        f'  substituters = [ "{address}" ];',
        *_nix_list("trusted-public-keys", keys),
        f"  {_WHY}",
        f"  connect-timeout = {_CONNECT_TIMEOUT};",
        "  fallback = true;",
        "};",
    )


def _flake(address: str, keys: tuple[str, ...]) -> str:
    return _text(
        "# flake.nix, beside inputs and outputs; Nix asks before it obeys",
        "nixConfig = {",
        f'  extra-substituters = [ "{address}" ];',
        *_nix_list("extra-trusted-public-keys", keys),
        f"  {_WHY}",
        f"  connect-timeout = {_CONNECT_TIMEOUT};",
        "  fallback = true;",
        "};",
    )


def _ci(address: str, keys: tuple[str, ...]) -> str:
    return _text(
        "# GitHub, Forgejo and Gitea; for GitLab write `variables` in place of `env`.",
        _WHY,
        "env:",
        "  NIX_CONFIG: |",
        *(f"    {line}" for line in _settings(address, keys)),
    )


def _command(address: str, keys: tuple[str, ...]) -> str:
    options = [f"--option extra-substituters {address}"]
    if keys:
        options.append(f"--option extra-trusted-public-keys '{' '.join(keys)}'")
    options += [f"--option connect-timeout {_CONNECT_TIMEOUT}", "--option fallback true"]
    return _text(
        "nix build nixpkgs#hello \\",
        " \\\n".join(f"  {option}" for option in options),
    )


def _nix_list(name: str, values: tuple[str, ...]) -> list[str]:
    if not values:
        return []
    return [f"  {_KEYS}", f"  {name} = [", *(f'    "{value}"' for value in values), "  ];"]


def _text(*lines: str) -> str:
    return "\n".join(lines) + "\n"

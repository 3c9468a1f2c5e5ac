"""The commented spec that `passthru init` writes.

A line beginning `#` and a blank is prose; one beginning `#` and anything else is a setting with its
default (or an example, where it says so), commented out.
"""

from typing import Final

_HEAD: Final = """\
# The spec of a passthru: a network's own copy of the Nix binary caches it uses.
# A line such as `#size = "200G"` shows a default: remove the `#` to change it.
# Check it with `passthru check`, run it with `passthru up`.
# Sizes: K M G T, powers of 1024. Durations: s m h d w y, as in "1h30m".

# "local": this machine only, port 8080, no root needed.
# "lan": the whole network, port 80.
# "tls": port 443 with a certificate; port 80 sends people there.
"""

_GENERAL: Final = """
# The name that clients use. Default: this machine's name, with ".local" in mode "lan".
#host_name = "cache.example.org"

# When a file is not here and no upstream can be reached.
# "error": answer 502 or 504, and clients go on to their next cache.
# "miss": answer 404, which clients believe for an hour.
#on_outage = "error"

# Logs and generations. Default without root: ~/.local/state/passthru.
#state_directory = "/var/lib/passthru"

# The socket and the pid file. Default without root: $XDG_RUNTIME_DIR/passthru.
#runtime_directory = "/run/passthru"

# Where to listen: IP addresses, or "*" for all.
# Defaults: "local" 127.0.0.1 and ::1, port 8080; "lan" and "tls" all addresses, ports 80 and 443.
[listen]
#addresses = ["*"]
#port = 80
#tls_port = 443
"""

_TLS: Final = """
# Files in PEM format. The certificate file holds the whole chain.
[tls]
certificate = "/etc/passthru/cache.pem"
certificate_key = "/etc/passthru/cache.key"
"""

_REST: Final = """
[cache]
# Default without root: ~/.cache/passthru.
#directory = "/var/cache/passthru"

# How much it may hold. Leave 15 % of the file system free.
#size = "200G"

# The least that stays free on the file system, whoever fills it.
#min_free = "5G"

# What nobody has read for this long is dropped; `size` may drop it sooner.
#inactive = "365d"

# After this, metadata is asked for again, in the background.
#narinfo_ttl = "1d"

# For this long an upstream's "not found" is believed.
#missing_ttl = "30s"

# How many narinfos that are asked for all the time nginx has as plain files; 0: none.
#hot = 4096

# Where files come from: asked in this order, at most 8. Write a block for each.
#[[upstreams]]
# May have a path.
#url = "https://cache.nixos.org"
# In headers, logs and metrics. Default: made from the host.
#name = "nixos"
# Shown in the snippets, so that clients know whom to trust.
#public_keys = ["cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="]
#connect_timeout = "5s"
#read_timeout = "60s"
# Hosts that this upstream may redirect us to.
#redirect_hosts = []
# A CA of your own. Example:
#ca_file = "/etc/ssl/own-ca.pem"
# A proxy on the way to this upstream: http:// or socks5h://. Example:
#proxy = "socks5h://127.0.0.1:1080"
# A file with user:password or a bearer token; secrets never stand in the spec. Example:
#credentials_file = "/run/keys/upstream"

# What clients are told at /nix-cache-info.
[nix_cache_info]
# Lower is asked first; cache.nixos.org has 40.
#priority = 30
#want_mass_query = true
#store_dir = "/nix/store"

# The sections below are understood, and have no effect in this version.

# Announce the cache on the network. Default of `enable`: only in mode "lan".
[mdns]
#enable = true
#name = "Nix cache on %h"
#interfaces = []
#also = []

# Ask the caches found on the network before the upstreams: for laptops.
[lan]
#follow = false
#names = []
#networks = []
#public_keys = []

# Caches of one site that share the work.
[peers]
#discover = false
#urls = []

# The status page. Default of `allow` in mode "lan": private addresses too.
[status]
#enable = true
#path = "/status"
#allow = ["127.0.0.0/8", "::1"]
# Show package names and client addresses.
#paths = false
"""


def commented_spec(mode: str) -> str:
    """Return the text of a spec with every setting, in mode "local", "lan" or "tls"."""
    chosen = '#mode = "local"\n' if mode == "local" else f'mode = "{mode}"\n'
    tls = _TLS if mode == "tls" else _commented(_TLS)
    return _HEAD + chosen + _GENERAL + tls + _REST


def _commented(text: str) -> str:
    """Comment out every line of settings."""
    return "".join(
        line if line.startswith(("#", "\n")) else f"#{line}"
        for line in text.splitlines(keepends=True)
    )

"""What the peers are configured with: nginx over files, nixos-passthru-cache's facts, varnish."""

from tests.bench.address import Address


def files_conf(root: str, address: Address, certificate: tuple[str, str] | None) -> str:
    """Return plain nginx over a directory: what no cache can be much faster than. No log."""
    listen, tls = f"listen {_join(address)};", ""
    if certificate:
        listen = f"listen {_join(address)} ssl http2;"
        tls = f"ssl_certificate {certificate[0]}; ssl_certificate_key {certificate[1]};"
    return f"""
{_head()}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    root {root};
    server {{
        {listen} {tls}
    }}
}}
"""


def upstream_conf(root: str, address: Address, log: str) -> str:
    """Return the upstream: the same files, and a line for each request that came."""
    return f"""
{_head()}
http {{
    log_format asked '$request_uri $status $body_bytes_sent';
    access_log {log} asked;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    root {root};
    server {{
        listen {_join(address)} backlog=4096;
    }}
}}
"""


def nixos_conf(
    home: str, address: Address, upstream: Address, certificate: tuple[str, str] | None
) -> str:
    """Return what numtide/nixos-passthru-cache's module comes to, in our words.

    Taken from it: one location; one zone of nginx's default key memory; 200 for 60 minutes and 404
    for one; stale on errors; its buffers and timeouts; HTTP/1.1 upstream without keepalive; no lock.
    From NixOS's nginx module: recommendedOptimisation, and nginx's own log, which is not buffered.
    Left out: the VTS module, which is not in every nginx. Added with TLS: as many requests a
    connection as h2load likes to make, for it does not connect again.
    """
    listen, tls = f"listen {_join(address)};", ""
    if certificate:
        listen = f"listen {_join(address)} ssl http2;"
        tls = f"""
        keepalive_requests 100000000;
        ssl_certificate {certificate[0]};
        ssl_certificate_key {certificate[1]};
        ssl_session_cache shared:tls:10m;
        ssl_session_timeout 1d;
        ssl_session_tickets off;"""
    return f"""
{_head()}
http {{
    access_log {home}/access.log combined;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_timeout 65;
    proxy_cache_path {home}/cache levels=1:2 keys_zone=c:10m max_size=200g inactive=30d
        use_temp_path=off;
    proxy_temp_path {home}/temp;
    server {{
        {listen}{tls}
        location / {{
            proxy_pass http://{_join(upstream)};
            proxy_http_version 1.1;
            proxy_set_header Host {upstream[0]};
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_connect_timeout 60s;
            proxy_send_timeout 60s;
            proxy_read_timeout 60s;
            proxy_buffering on;
            proxy_buffer_size 16k;
            proxy_buffers 4 32k;
            proxy_busy_buffers_size 64k;
            proxy_cache c;
            proxy_cache_valid 200 60m;
            proxy_cache_valid 404 1m;
            proxy_cache_use_stale error timeout http_500 http_502 http_503 http_504;
            add_header X-Cache-Status $upstream_cache_status;
        }}
    }}
}}
"""


def varnish_vcl(upstream: Address) -> str:
    """Return the rules of varnish: keep what is there for a year, and a 404 for half a minute."""
    return f"""
vcl 4.1;
backend upstream {{
    .host = "{upstream[0]}";
    .port = "{upstream[1]}";
}}
sub vcl_backend_response {{
    if (beresp.status == 200) {{
        set beresp.ttl = 365d;
    }} else if (beresp.status == 404) {{
        set beresp.ttl = 30s;
    }}
    set beresp.do_stream = true;
}}
"""


def _head() -> str:
    return """daemon off;
worker_processes 1;
user root;
pid nginx.pid;
error_log stderr warn;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }"""


def _join(address: Address) -> str:
    return f"{address[0]}:{address[1]}"

# The image of passthru: nginx and passthru, as a user without rights.
# docker build -t passthru . && docker run -p 8080:8080 passthru

ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv ca-certificates
COPY pyproject.toml constraints.txt README.md LICENSE /src/
COPY passthru /src/passthru
COPY templates /src/templates
RUN python3 -m venv /opt/passthru \
    && /opt/passthru/bin/pip install --no-cache-dir --constraint /src/constraints.txt /src \
    && /opt/passthru/bin/pip uninstall --yes pip

FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends nginx-light python3 ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt \
    && useradd --system --uid 800 --user-group --home-dir /var/lib/passthru --no-create-home passthru \
    && mkdir /etc/passthru \
    && install --directory --owner passthru --group passthru \
        /var/cache/passthru /var/lib/passthru /run/passthru
COPY --from=build /opt/passthru /opt/passthru

# Where root would have them, for a user who is not; and who asks is never on "this machine".
ENV PATH=/opt/passthru/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    XDG_CACHE_HOME=/var/cache \
    XDG_STATE_HOME=/var/lib \
    XDG_RUNTIME_DIR=/run \
    PASSTHRU_LISTEN=*

USER passthru
WORKDIR /var/lib/passthru
VOLUME ["/var/cache/passthru", "/var/lib/passthru"]
EXPOSE 8080 80 443
STOPSIGNAL SIGTERM
# nginx answers on this socket in every mode, on whatever port.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "from passthru.nginx.health import ask_health; from passthru.nginx.site import Site; ask_health(Site('', '/run/passthru', ''))"]
ENTRYPOINT ["passthru"]
CMD ["up"]

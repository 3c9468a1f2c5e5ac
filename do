#!/bin/sh
# The one door to this checkout: installs what is missing, once, then does what it was asked.
# Plain POSIX sh. Run it from anywhere, through a symbolic link, as `sh do up`: see `./do help`.

set -eu
unset CDPATH

# What each command needs: "command:package", the package as Debian names it.
# "ca-bundle" stands for a file of CA certificates; Python is looked for by itself.
NEEDS_UP='nginx:nginx ca-bundle:ca-certificates'
NEEDS_CHECK="$NEEDS_UP git:git"
NEEDS_TEST="$NEEDS_CHECK nix:nix-bin curl:curl openssl:openssl ip:iproute2 unshare:util-linux
    debootstrap:debootstrap gpgv:gpgv xz:xz-utils busybox:busybox shellcheck:shellcheck
    microsocks:microsocks tinyproxy:tinyproxy-bin danted:dante-server squid:squid
    groff:groff-base mandoc:mandoc zsh:zsh fish:fish wrk:wrk promtool:prometheus
    systemd-analyze:systemd systemd-nspawn:systemd-container
    avahi-daemon:avahi-daemon avahi-browse:avahi-utils dbus-daemon:dbus"
# With what it stands on: 190 MB to fetch, 650 MB on disk, half a minute. A laptop may do without, and
# is told which tests were skipped; CI has it.
[ -z "${CI:-}" ] || NEEDS_TEST="$NEEDS_TEST chromium:chromium buildah:buildah
    docker-compose:docker-compose"
NEEDS_BENCH="$NEEDS_UP wrk:wrk varnishd:varnish h2load:nghttp2-client ip:iproute2
    unshare:util-linux taskset:util-linux"

# The tests that hold golden files, generated documents and the project's own rules to the code.
HELD_BY='tests/golden tests/docs tests/unit/test_imports.py tests/unit/test_project.py
    tests/unit/cli/test_documents.py tests/packaging/test_constraints.py'

PYTHONS='python3.13 python3.12 python3.11 python3'
LOCK_SECONDS=600
POLICY=/usr/sbin/policy-rc.d
POLICY_MARK="passthru: made by ./do while it installs servers, and removed afterwards"
NO_PACKAGES='could not install the Python packages (is the package index in reach?)'
UNAVAILABLE=69 # EX_UNAVAILABLE of sysexits.h
TRY_LATER=75   # EX_TEMPFAIL

usage() {
    cat <<'END'
usage: ./do COMMAND [ARGUMENT…]

  up [SPEC…]      run the cache until Ctrl-C: `passthru up SPEC…`
  demo            show it working, without any network: `passthru demo`
  setup           install what `up` needs, and stop there
  test [ARG…]     run all tests; ARG… goes to pytest
  check           formatting, lint, types, golden files, generated documents
  bench [ARG…]    measure it beside its peers: `./do bench --help`
  help            this text

Each command first installs what it needs and is not there yet: Debian packages where apt-get is
and root's rights are, Python packages into .venv (or $PASSTHRU_VENV). The second time it does not.
END
}

say() { printf 'do: %s\n' "$*" >&2; }

die() {
    status=$1
    shift
    say "$*"
    exit "$status"
}

cannot_write() {
    die "$UNAVAILABLE" "cannot write to $1; set PASSTHRU_VENV to a directory that can be written"
}

# --- where things are ------------------------------------------------------------------------

find_root() {
    case $0 in
    */*) script=$0 ;;
    *) script=./$0 ;; # `sh do`: the shell opened it in the working directory
    esac
    hops=0
    while [ -L "$script" ] && [ "$hops" -lt 40 ]; do
        target=$(readlink -- "$script")
        case $target in
        /*) script=$target ;;
        *) script=${script%/*}/$target ;;
        esac
        hops=$((hops + 1))
    done
    root=$(cd -P -- "${script%/*}/" 2>/dev/null && pwd -P) || root=
    if [ -z "$root" ] || [ ! -f "$root/pyproject.toml" ]; then
        die "$UNAVAILABLE" "cannot find the checkout that $0 belongs to; run it by its full path"
    fi
}

choose_venv() {
    venv=${PASSTHRU_VENV:-}
    if [ -n "$venv" ]; then
        case $venv in
        /*) ;;
        *) venv=$(pwd -P)/$venv ;;
        esac
        return
    fi
    venv=$root/.venv
    if is_ready "$1" || { [ -w "$root" ] && { [ ! -e "$venv" ] || [ -w "$venv" ]; }; }; then
        return
    fi
    cache=${XDG_CACHE_HOME:-}
    [ -n "$cache" ] || cache=${HOME:-}/.cache
    [ "$cache" != /.cache ] || cannot_write "$root"
    venv=$cache/passthru/venv-$(printf '%s' "$root" | cksum | cut -d ' ' -f 1)
}

# --- what is there already -------------------------------------------------------------------

# What an installation stands on; when a word of it changes, it is brought up to date.
key() {
    printf '%s | %s | %s | %s\n' "$(cat "$root/pyproject.toml" "$root/constraints.txt" | cksum)" \
        "$("$venv/bin/python" -V 2>&1)" "$root" "$venv"
}

is_ready() {
    [ -x "$venv/bin/passthru" ] && [ -f "$venv/.do-$1" ] &&
        [ "$(cat "$venv/.do-$1")" = "$(key 2>/dev/null)" ]
}

has() {
    case $1 in
    ca-bundle)
        for bundle in "${SSL_CERT_FILE:-}" "${NIX_SSL_CERT_FILE:-}" /etc/ssl/cert.pem \
            /etc/ssl/certs/ca-certificates.crt /etc/ssl/ca-bundle.pem \
            /etc/pki/tls/certs/ca-bundle.crt; do
            [ ! -s "$bundle" ] || return 0
        done
        return 1
        ;;
    nginx) [ -n "${PASSTHRU_NGINX:-}" ] || has_command nginx ;;
    python) is_ready run || find_python ;;
    *) has_command "$1" ;;
    esac
}

has_command() { PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v "$1" >/dev/null 2>&1; }

# Print the packages that bring what of "command:package"… is missing.
missing() {
    for need in "$@"; do
        has "${need%%:*}" || printf '%s ' "${need#*:}"
    done
}

# Set $python to the newest that can make a virtual environment, and say so by the exit code.
find_python() {
    for python in $PYTHONS; do
        if "$python" -I -c 'import ensurepip, ssl, sys, venv; sys.exit(sys.version_info < (3, 11))' \
            >/dev/null 2>&1; then
            return 0
        fi
    done
    python=
    return 1
}

# --- system packages -------------------------------------------------------------------------

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

may_install() {
    has_command apt-get && has_command dpkg && [ -e /etc/debian_version ] &&
        { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
}

# Print the line to type on this system for the Debian packages "$@".
advice() {
    if has_command apt-get; then
        printf 'sudo apt-get install %s' "$*"
    elif has_command dnf; then
        printf 'sudo dnf install %s' "$(translate dnf "$@")"
    elif has_command pacman; then
        printf 'sudo pacman -S %s' "$(translate pacman "$@")"
    elif has_command zypper; then
        printf 'sudo zypper install %s' "$(translate zypper "$@")"
    elif has_command apk; then
        printf 'sudo apk add %s' "$(translate apk "$@")"
    else
        printf "nix-shell -p %s --run './do %s'" "$(translate nix "$@")" "$command"
    fi
}

translate() {
    system=$1
    shift
    names=
    for package in "$@"; do
        case $system:$package in
        pacman:python3-venv) package=python ;;
        nix:ca-certificates) package=cacert ;;
        *:python3-venv) package=python3 ;;
        nix:nix-bin | pacman:nix-bin | apk:nix-bin) package=nix ;;
        dnf:iproute2) package=iproute ;;
        dnf:shellcheck) package=ShellCheck ;;
        *:xz-utils) package=xz ;;
        *:gpgv) package=gnupg ;;
        *:nghttp2-client) package=nghttp2 ;;
        esac
        names="$names${names:+ }$package"
    done
    printf '%s' "$names"
}

# An old Python is no reason to install the same old one again.
refuse_old_python() {
    ! find_python || return 0
    version=$(python3 -c 'import platform; print(platform.python_version())' 2>/dev/null) || return 0
    case $version in
    2.* | 3.[0-9].* | 3.10.*)
        die "$UNAVAILABLE" "passthru needs Python 3.11 or newer with venv, and python3 here is $version"
        ;;
    esac
}

install_packages() {
    case " $* " in
    *' python3-venv '*) refuse_old_python ;;
    esac
    may_install || die "$UNAVAILABLE" "missing: $*; to install: $(advice "$@")"
    say "installing $* (apt-get)"
    hold_services "$@"
    if ! apt_install "$@"; then
        say 'reading the package lists anew (apt-get update)'
        apt_get update || true
        apt_install "$@" || fail "apt-get could not install: $*"
    fi
    release_services
}

apt_install() { apt_get install --no-install-recommends --no-remove "$@"; }

apt_get() {
    action=$1
    shift
    # Nothing that apt starts may inherit our lock (9), ask a question or restart a service.
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
        apt-get -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef \
        -o Dpkg::Options::=--force-confold "$action" "$@" </dev/null >>"$log" 2>&1 9>&-
}

# Debian starts the servers it installs, nginx on port 80. We want the programs only: a policy says no
# while apt-get runs, and the services are disabled afterwards. The policy ends with this process at
# the latest, even if it was killed; the next run then finishes the work.
hold_services() {
    held=
    for package in "$@"; do
        case $package in
        nginx) held="$held nginx" ;;
        varnish) held="$held varnish varnishncsa" ;;
        prometheus) held="$held prometheus" ;;
        avahi-daemon) held="$held avahi-daemon" ;;
        dante-server) held="$held danted" ;;
        squid) held="$held squid" ;;
        esac
    done
    [ -n "$held" ] || return 0
    trap release_services EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    [ ! -e "$POLICY" ] || return 0
    {
        printf '#!/bin/sh\n# %s\n' "$POLICY_MARK"
        printf '[ -d /proc/%s ] || exit 0\n' "$$"
        # shellcheck disable=SC2016 # for the policy to expand
        printf 'case "%s " in *" ${1%%.service} "*) exit 101 ;; esac\n' "$held"
    } | as_root tee "$POLICY" >/dev/null
    as_root chmod 755 "$POLICY"
}

release_services() {
    [ -n "${held:-}" ] || return 0
    for service in $held; do
        if [ -e "/etc/init.d/$service" ] || [ -e "/lib/systemd/system/$service.service" ]; then
            disable_service "$service" >>"${log:-/dev/null}" 2>&1 9>&- || true
        fi
    done
    held=
    if is_our_policy; then
        as_root rm -f "$POLICY"
    fi
    trap - EXIT HUP INT TERM
}

disable_service() {
    if [ -d /run/systemd/system ]; then
        as_root systemctl disable --now "$1.service"
    fi
    as_root update-rc.d "$1" disable # without systemd too: its links are there for a later boot
}

is_our_policy() { [ -f "$POLICY" ] && grep -qF "$POLICY_MARK" "$POLICY" 2>/dev/null; }

# A run that was killed while apt-get worked left the policy behind: let dpkg finish under ours.
mend_packages() {
    is_our_policy && may_install || return 0
    owner=$(sed -n 's|.*-d /proc/\([0-9]*\).*|\1|p' "$POLICY")
    [ ! -d "/proc/$owner" ] || return 0
    say 'finishing an installation that was interrupted (dpkg --configure -a)'
    # shellcheck disable=SC2046 # a list of words
    set -- $(sed -n 's/^case " \(.*\) " in.*/\1/p' "$POLICY")
    as_root rm -f "$POLICY"
    hold_services "$@"
    as_root env DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold \
        --configure -a </dev/null >>"$log" 2>&1 9>&- || true
    release_services
}

# --- Python packages -------------------------------------------------------------------------

# Make the directory of the virtual environment, which also has our log, lock and marks:
# .do-made (we made it and may empty it), .do-busy (pip is at work), .do-run and .do-dev (it is done).
open_venv() {
    if [ ! -e "$venv" ] || [ -z "$(ls -A -- "$venv" 2>/dev/null)" ]; then
        { mkdir -p -- "$venv" && touch -- "$venv/.do-made"; } 2>/dev/null || cannot_write "$venv"
    elif [ ! -e "$venv/.do-made" ] && [ ! -e "$venv/pyvenv.cfg" ]; then
        die "$UNAVAILABLE" "$venv is there and is no virtual environment; move it, or set PASSTHRU_VENV"
    fi
    log=$venv/install.log
    touch -- "$log" 2>/dev/null || cannot_write "$venv"
}

# Wait for another run that installs here; the lock ends with the process that has it.
lock_venv() {
    exec 9>"$venv/.do-lock"
    has_command flock || return 0
    flock -n 9 && return
    say "waiting for another ./do that installs into $venv"
    flock -w "$LOCK_SECONDS" 9 || die "$TRY_LATER" "another ./do still installs into $venv; try again later"
}

fail() {
    say "$1; the end of $log:"
    grep -m 1 -iE 'connection broken|name resolution|resolve host|unreachable' -- "$log" >&2 || true
    tail -n 15 -- "$log" >&2
    exit "$UNAVAILABLE"
}

empty_venv() {
    find "$venv/" -mindepth 1 -maxdepth 1 ! -name .do-made ! -name .do-lock ! -name install.log \
        -exec rm -rf -- {} +
}

venv_works() { "$venv/bin/python" -I -c 'import pip' >/dev/null 2>&1; }

install_python_packages() {
    say "installing the Python packages ($1) into $venv"
    again=
    if [ -e "$venv/.do-made" ]; then
        if [ -e "$venv/.do-busy" ] || ! venv_works; then
            empty_venv
        fi
    elif ! venv_works; then
        die "$UNAVAILABLE" "$venv was not made by ./do and has no working Python with pip; move it away"
    elif [ -e "$venv/.do-busy" ]; then
        again=--force-reinstall
    fi
    if [ "$1" = dev ] && is_ready run; then
        # What runs already goes on running if the rest cannot be had: see first whether it can.
        find_requirements dev
        pip_install --dry-run -r "$venv/.do-requirements" || fail "$NO_PACKAGES"
    fi
    touch -- "$venv/.do-busy"
    rm -f -- "$venv/.do-run" "$venv/.do-dev"
    if [ ! -x "$venv/bin/python" ]; then
        has python || die "$UNAVAILABLE" "no Python 3.11 or newer with venv"
        "$python" -m venv "$venv" >>"$log" 2>&1 || fail "$python could not make $venv"
    fi
    find_requirements "$1"
    if ! pip_install $again -r "$venv/.do-requirements" ||
        ! pip_install --no-deps --no-build-isolation -e .; then
        fail "$NO_PACKAGES"
    fi
    for level in run "$1"; do
        key >"$venv/.do-new"
        mv -f -- "$venv/.do-new" "$venv/.do-$level"
    done
    rm -f -- "$venv/.do-busy"
}

find_requirements() {
    requirements "$1" >"$venv/.do-requirements" 2>>"$log" || fail 'cannot read pyproject.toml'
}

# In the checkout, because a path given to pip may hold brackets; isolated from $PYTHONPATH.
pip_install() {
    (
        cd -- "$root"
        "$venv/bin/python" -I -m pip --no-input --disable-pip-version-check install \
            --no-user --progress-bar off -c constraints.txt "$@"
    ) >>"$log" 2>&1
}

# Print what pyproject.toml asks for: always what building takes, for "dev" the group dev too.
requirements() {
    "$venv/bin/python" -I - "$root/pyproject.toml" "$1" <<'END'
import sys
import tomllib

with open(sys.argv[1], "rb") as file:
    tables = tomllib.load(file)


def flatten(group):
    for entry in tables["dependency-groups"][group]:
        yield from [entry] if isinstance(entry, str) else flatten(entry["include-group"])


wanted = [*tables["project"]["dependencies"], *tables["build-system"]["requires"], "editables"]
wanted += flatten("dev") if sys.argv[2] == "dev" else ()
print(*wanted, sep="\n")
END
}

# --- all together ----------------------------------------------------------------------------

# prepare LEVEL NEED…: have it all, LEVEL "run" or "dev" of the Python packages.
prepare() {
    level=$1
    shift
    choose_venv "$level"
    if is_ready "$level" && [ -z "$(missing "$@")" ] && ! is_our_policy; then
        return
    fi
    started=$(date +%s)
    open_venv
    lock_venv
    mend_packages
    is_ready "$level" || set -- python:python3-venv "$@"
    lacking=$(missing "$@")
    # shellcheck disable=SC2086 # a list of words
    [ -z "$lacking" ] || install_packages $lacking
    lacking=$(missing "$@")
    [ -z "$lacking" ] || die "$UNAVAILABLE" "still missing after the installation: $lacking"
    if ! is_ready "$level"; then
        install_python_packages "$level"
        say "ready after $(($(date +%s) - started)) s"
    fi
    exec 9>&-
}

# workers N: N for each processor, and not so many that ports and memory run short.
workers() {
    count=$(nproc 2>/dev/null) || count=1
    count=$((count * $1))
    [ "$count" -le 8 ] || count=8
    [ "$count" -gt 1 ] || count=0
    printf '%s' "$count"
}

run_tests() {
    cd -- "$root"
    # Half of the tests' time is waiting, for what is slow on purpose: two share a processor.
    exec "$venv/bin/python" -m pytest -n "$(workers 2)" --dist worksteal "$@"
}

run_checks() {
    cd -- "$root"
    failed=0
    step 'ruff format --check' "$venv/bin/ruff" format --check --quiet .
    step 'ruff check' "$venv/bin/ruff" check --quiet .
    step 'mypy' "$venv/bin/mypy" --no-error-summary
    held=
    for place in $HELD_BY; do
        [ ! -e "$place" ] || held="$held $place"
    done
    # shellcheck disable=SC2086 # a list of words
    step "pytest$held" "$venv/bin/python" -m pytest -q -n "$(workers 1)" $held
    exit "$failed"
}

step() {
    say "$1"
    shift
    "$@" || {
        failed=1
        say "failed: $*"
    }
}

find_root
command=${1:-}
[ "$#" -eq 0 ] || shift
# shellcheck disable=SC2086 # lists of words
case $command in
up | demo)
    prepare run $NEEDS_UP
    exec "$venv/bin/passthru" "$command" "$@"
    ;;
setup) prepare run $NEEDS_UP ;;
test)
    prepare dev $NEEDS_TEST
    run_tests "$@"
    ;;
check)
    prepare dev $NEEDS_CHECK
    run_checks
    ;;
bench)
    prepare dev $NEEDS_BENCH
    export PYTHONPATH="$root"
    exec "$venv/bin/python" -P -m tests.bench "$@"
    ;;
help | -h | --help) usage ;;
'')
    usage >&2
    exit 2
    ;;
*) die 2 "no command \"$command\"; see ./do help" ;;
esac

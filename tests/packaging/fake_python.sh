#!/bin/sh
# Plays the part of Python for the tests of ./do: `-m venv DIR` copies it to DIR/bin/python, and
# what pip would install is a program `passthru` that tells how it was called. Beside each copy's
# original, $FAKE/calls notes what was asked for; $FAKE/pip says how the next installation goes.
case " $* " in
*' -V '*) echo "Python ${FAKE_VERSION:-3.13.9}" ;;
*' -m venv '*)
    for directory in "$@"; do :; done
    echo venv >>"$FAKE/calls"
    mkdir -p "$directory/bin"
    cp "$0" "$directory/bin/python"
    echo "home = $FAKE" >"$directory/pyvenv.cfg"
    ;;
*' install '*)
    echo pip >>"$FAKE/calls"
    case $(cat "$FAKE/pip" 2>/dev/null) in
    fail)
        seq 100 | sed 's/^/line /'
        exit 1
        ;;
    kill) kill -9 0 ;;
    slow) sleep 0.3 ;;
    esac
    cat >"${0%/*}/passthru" <<'END'
#!/bin/sh
echo "$$"
pwd
printf '<%s>' "$@"
echo
ls -l /proc/self/fd | grep -c do-lock
exit 7
END
    chmod +x "${0%/*}/passthru"
    ;;
*' - '*) cat >/dev/null ;; # the program that reads pyproject.toml
esac

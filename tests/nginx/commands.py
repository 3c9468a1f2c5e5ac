"""The command line, pointed at a cache under test."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from passthru.cli.entry import main
from tests.nginx.cache import Cache, merge
from tests.unit.cli.command import Done


def spec_file(one: Cache, **more: Any) -> Path:  # noqa: ANN401 - a spec's top-level keys
    """Write the spec of a cache, with `more` laid over it, and return where."""
    site = one.site
    spec = merge(
        {
            "host_name": "cache.test",
            "state_directory": site.state,
            "runtime_directory": site.runtime,
            "listen": {"addresses": ["127.0.0.1"], "port": one.port or 8080},
            "cache": {"directory": site.cache, "size": "1G", "min_free": "1M"},
        },
        one.settings,
        more,
    )
    path = one.home / "passthru.json"
    path.write_text(json.dumps(spec))
    return path


def type_in(*words: str, keys: str | None = None) -> Done:
    """Run a command in this process; `keys` are what its standard input holds."""
    with CliRunner().isolation(input=keys) as streams:
        code = main(words)
        out, err = (stream.getvalue().decode() for stream in streams[:2])
    return Done(code, out, err)

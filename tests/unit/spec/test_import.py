"""What importing the spec costs."""

import subprocess
import sys

PROGRAM = """
import sys
before = set(sys.modules)
import passthru.spec
# What the interpreter itself brought in, Debian's own hooks for one, is not of our doing.
print(*sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - before))
"""


def test_importing_the_spec_imports_pydantic_alone() -> None:
    """A completion or --help that needs a spec waits for nothing else."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert {name for name in run.stdout.split() if not name.startswith("_")} <= {
        "annotated_types",
        "passthru",
        "pydantic",
        "pydantic_core",
        "typing_extensions",
        "typing_inspection",
    }

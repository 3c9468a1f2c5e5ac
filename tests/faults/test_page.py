"""The page of faults, held to the tables; and the tables, held to the tests."""

import re
from pathlib import Path

from tests.checkout import ROOT
from tests.faults import (
    test_client_faults,
    test_disk_faults,
    test_machine_faults,
    test_name_faults,
    test_network_faults,
)
from tests.faults.machine import MACHINE, ROWS
from tests.faults.page import write_page
from tests.faults.table import TABLE


def test_the_page_is_what_the_tables_say() -> None:
    """`python -m tests.faults.page > docs/reference/faults.md` changes nothing."""
    assert (ROOT / "docs/reference/faults.md").read_text(encoding="utf-8") == write_page()


def test_every_row_has_a_test() -> None:
    """A fault of the machine is promised nothing that no test of that name holds."""
    modules = (
        test_client_faults,
        test_disk_faults,
        test_machine_faults,
        test_name_faults,
        test_network_faults,
    )
    text = "".join(Path(str(module.__file__)).read_text(encoding="utf-8") for module in modules)

    assert [key for key in ROWS if f"def test_{key}(" not in text and f'"{key}"' not in text] == []
    assert set(re.findall(r'ROWS\["(\w+)"\]', text)) <= ROWS.keys()
    assert len(ROWS) == len(MACHINE)


def test_every_row_is_on_the_page() -> None:
    """Each stands there once, with all its cells."""
    lines = [line for line in write_page().splitlines() if line.startswith("| ")]
    names = [line.split(" | ")[0].removeprefix("| ") for line in lines]

    for name in [row.name for row in TABLE] + [row.name for row in MACHINE]:
        assert names.count(name) == 1, name
    assert {line.count(" | ") for line in lines} == {4}

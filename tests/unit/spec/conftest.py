"""What the tests of the spec share."""

from collections.abc import Callable

import pytest

from passthru.errors import SpecError
from passthru.spec import parse_spec


@pytest.fixture
def refuse() -> Callable[[str], list[str]]:
    """Return a function from a spec that must be refused to its problems, one line each."""

    def problems_of(text: str) -> list[str]:
        with pytest.raises(SpecError) as caught:
            parse_spec(text)
        return [str(problem) for problem in caught.value.problems]

    return problems_of

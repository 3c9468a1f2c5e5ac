"""What `passthru fills` remembers for a while."""

from passthru.fills.recent import Recent


def test_it_is_remembered_for_so_long() -> None:
    """The time counts from the last note."""
    now = 100.0
    recent = Recent(10, lambda: now)
    recent.note("a", 1)
    now = 108.0
    recent.note("a", 2)
    recent.note("b")
    now = 117.0

    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (2, 0, None)
    assert (recent.age("a"), recent.age("c")) == (9.0, None)
    now = 119.0
    assert (recent.get("a"), recent.age("b")) == (None, None)


def test_the_oldest_goes_where_there_are_too_many() -> None:
    """Whoever asks for many things takes no more memory than this."""
    recent = Recent(600)
    for number in range(10_002):
        recent.note(str(number), number)
        recent.note("0", 0)

    assert (recent.get("0"), recent.get("1"), recent.get("2")) == (0, None, None)
    assert (recent.get("3"), recent.get("10001")) == (3, 10_001)

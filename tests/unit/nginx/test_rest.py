"""How long a program that keeps dying waits."""

from passthru.nginx.rest import LASTED, LONGEST, Rest


def test_the_rest_doubles_up_to_a_minute() -> None:
    """One that dies at every start costs less and less."""
    rest, now, rests = Rest(0.0), 0.0, []
    for _ in range(9):
        assert rest.is_over(now)
        rests.append(rest.begin(now))
        assert not rest.is_over(now)
        now = rest.until

    assert rests == [1, 2, 4, 8, 16, 32, LONGEST, LONGEST, LONGEST]


def test_a_long_life_is_no_bad_start() -> None:
    """One that worked for a while is started again soon."""
    rest = Rest(0.0)
    for now in (0.0, 1.0, 3.0):
        rest.begin(now)
    assert rest.is_over(100.0)

    assert rest.begin(100.0 + LASTED) == 1

"""What a validator raises about one value; the loader adds where the value stands."""


class BadValueError(ValueError):
    """A value that cannot be used: `message` says why, `hint` what to write; neither shows a secret."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """Say what is wrong, lower case and without a full stop."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class WrongTypeError(BadValueError):
    """A value of a kind that is never right here; `message` is what was expected, with its article."""

"""The one error that a user can cause: what went wrong, and what to do about it."""


class TuiFtError(Exception):
    """A sentence for the user and the remedy; never shown as a traceback.

    The command line prints both to stderr and exits with `exit_code`; a screen shows them where
    the user is looking.
    """

    def __init__(self, message: str, hint: str = "", *, exit_code: int = 2) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

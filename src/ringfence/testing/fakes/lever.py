"""A lever that a test pulls."""


class FakeLever:
    """Not pulled until `why` says why."""

    def __init__(self) -> None:
        self.why: str | None = None

    def pulled(self) -> str | None:
        return self.why

"""The whole error taxonomy on one page.

An exception means "I could not decide or act". A refusal is never an exception: it is a `Decision` with its reasons.
Errors are grouped by whose fault they are and what to do next.
"""


class Error(Exception):
    """Root of everything that Ringfence raises.

    `str(error)` is for the operator. `public_message` is safe to send to an agent. `remedy` says what to do next.
    """

    public_message = "refused"

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy

    def diagnostics(self) -> str:
        """The message with its remedy, for an operator's terminal."""
        return f"{self}\n  {self.remedy}" if self.remedy else str(self)


class ConfigError(Error):
    """The operator's configuration cannot be used: refuse to start, or keep the last good one."""

    public_message = "the gateway is not configured"


class RequestError(Error):
    """The caller's bytes cannot be read as what they claim to be. Never retried."""

    public_message = "malformed request"


class CredentialError(Error):
    """The caller is not who it has to be. One public message; the precise reason goes to the operators' logger."""

    public_message = "credential not accepted"


class UnavailableError(Error):
    """A dependency (store, upstream, sandbox) cannot answer now: deny meanwhile."""

    public_message = "temporarily unavailable"


class IntegrityError(Error):
    """The evidence does not hold (broken chain, bad proof, wrong checkpoint): alarm, and accept no more writes."""

    public_message = "temporarily unavailable"

"""Whether a server over HTTP can be reached, so that a dead one does not cost each call the time of a failing connect."""

import asyncio

from ringfence.adapters.upstream.backoff import Backoff, Jitter, no_jitter
from ringfence.adapters.upstream.guarded_body import GuardedBody
from ringfence.adapters.upstream.options import HttpOptions
from ringfence.ports.upstream import Health, HealthState


class Reach:
    """What the connects and answers of one server have told.

    After a connect that failed slowly, requests are refused at once for a while; then one of them tries, and the others are
    refused until it is connected. A connect that is refused at once costs nobody anything, so each request may try.
    """

    def __init__(self, options: HttpOptions, jitter: Jitter = no_jitter) -> None:
        self._slow_s = options.slow_s
        self._backoff = Backoff(options.retry_s, options.retry_most_s, self._now, jitter)
        self._is_held = False
        self._trial: GuardedBody | None = None
        self._has_answered = False
        self._error = ""
        self._error_at = 0.0

    def enter(self, body: GuardedBody) -> str:
        """Why a request is not even tried; empty: it is, and `leave` follows."""
        if not self._is_held:
            return ""
        if self._trial is not None and self._trial.is_connected:
            self.answered()
            return ""
        if wait_s := self._backoff.wait_s:
            return f"the server cannot be reached ({self._backoff.why}); the next try is in {wait_s:.1f} s"
        if self._trial is not None:
            return f"the server cannot be reached ({self._backoff.why}); it is being tried again"
        self._trial = body
        return ""

    def leave(self, body: GuardedBody) -> None:
        if self._trial is body:
            self._trial = None
            if body.is_connected:
                self.answered()

    def failed(self, error: Exception, seconds: float) -> None:
        """No connection was made, after so many seconds."""
        why = type(error).__name__
        is_slow = seconds > self._slow_s
        self._is_held = self._is_held or is_slow
        self._backoff.failed(why, waits=is_slow)
        self._error, self._error_at = f"no connection ({why})", self._now()

    def answered(self) -> None:
        """The server is there: it has answered, or taken a connection."""
        self._has_answered = True
        if self._backoff.failures:
            self._backoff.succeeded()
            self._is_held = False

    def health(self, era: str, running: int, oddities: dict[str, int]) -> Health:
        backoff = self._backoff
        if backoff.wait_s:
            state = HealthState.BACKING_OFF
        elif backoff.failures:
            state = HealthState.STARTING if self._trial is not None else HealthState.UNREACHABLE
        else:
            state = HealthState.UP if self._has_answered else HealthState.IDLE
        return Health(
            state=state,
            transport="http",
            era=era,
            error=self._error,
            error_s=self._now() - self._error_at if self._error else None,
            failing_s=backoff.failing_s,
            retry_s=backoff.wait_s or None,
            running=running,
            oddities=oddities,
        )

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

"""Log time: the clock a leader stamps its entries with, and judges expiry by."""

from respkv.clock import Clock


class LogClock:
    """Never stands still, never goes back, and follows the wall clock gently.

    It advances by the monotonic clock: at 9/10 speed while ahead of the wall clock and at 11/10
    while behind, so neither a jump of the wall clock nor a leader whose clock was wrong makes
    deadlines fire in a burst or stop firing.
    """

    def __init__(self, clock: Clock, last_entry_ms: int) -> None:
        self._clock = clock
        self._monotonic_ms = clock.monotonic_ms()
        self._tenths_ms = 10 * max(last_entry_ms, clock.now_ms())

    def now_ms(self) -> int:
        """Return log time in Unix milliseconds."""
        monotonic_ms = self._clock.monotonic_ms()
        elapsed_ms = monotonic_ms - self._monotonic_ms
        if elapsed_ms > 0:
            self._monotonic_ms = monotonic_ms
            wall_tenths = 10 * self._clock.now_ms()
            if self._tenths_ms > wall_tenths:
                self._tenths_ms += 9 * elapsed_ms
            else:
                # Caught up exactly where 11/10 speed would overshoot, so equal clocks stay equal.
                self._tenths_ms = max(
                    self._tenths_ms + 10 * elapsed_ms,
                    min(self._tenths_ms + 11 * elapsed_ms, wall_tenths),
                )
        return self._tenths_ms // 10

"""`sitex` without its feed, to measure against: `python -m perf.no_feed serve ...`.

The venue starts no feed and tells nobody of events; all else is as it is.
"""

from __future__ import annotations

from gateway import service
from gateway.cli import main


class _NoNotifier:
    number = 0

    def tell(self, number: int) -> None:
        """There is nobody."""


class _NoFeed:
    starts = 0

    def __init__(self, *_: object) -> None:
        self.notifier = _NoNotifier()

    async def start(self) -> bool:
        """At once."""
        return True

    async def stop(self) -> None:
        """There is nothing to end."""


if __name__ == "__main__":
    service.FeedProcess = _NoFeed  # type: ignore[assignment, misc]
    main()

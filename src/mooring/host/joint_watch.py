"""Several watches as one."""

from collections.abc import Sequence

from mooring.host.machine import Watch


class JointWatch(Watch):
    """Hears what any of them hears. They are the joint watch's from now on, and closed with it."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self._watches = watches

    def heard(self) -> Sequence[str]:
        return [words for watch in self._watches for words in watch.heard()]

    def close(self) -> None:
        for watch in self._watches:
            watch.close()

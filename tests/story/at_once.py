"""Several people who do something at the same instant."""

import threading
from collections.abc import Callable


def at_once(*acts: Callable[[], object]) -> None:
    """Do all of it at the same instant, as near as threads come."""
    gate = threading.Barrier(len(acts))

    def act(do: Callable[[], object]) -> None:
        gate.wait()
        do()

    threads = [threading.Thread(target=act, args=(do,)) for do in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

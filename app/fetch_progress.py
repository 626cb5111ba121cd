"""What people see while the embedded Kafka is fetched, which happens once."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from app.local_stack.jars import Progress
from app.progress import progress_bar

TEXT = "fetching Kafka's jars, the first time only"


@contextmanager
def shown_on_stderr() -> Iterator[Progress]:
    """A progress to start servers with: a bar on a terminal, else one line; nothing where nothing is fetched."""
    with ExitStack() as shown:
        bar: Callable[[int], None] | None = None

        def show(done: int, total: int) -> None:
            nonlocal bar
            if bar is None:
                bar = shown.enter_context(progress_bar(TEXT, total))
                if not sys.stderr.isatty():
                    print(TEXT, file=sys.stderr)
            bar(done)

        yield show

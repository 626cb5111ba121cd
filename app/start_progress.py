"""What people see while the embedded Kafka is fetched and prepared, which happens once."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from app.local_stack.jars import Progress
from app.progress import progress_bar


@contextmanager
def shown_on_stderr() -> Iterator[Progress]:
    """A progress to start servers with: bars on a terminal, else lines; nothing where there is nothing to do."""
    with ExitStack() as shown:
        bars: dict[str, Callable[[int], None]] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in bars:
                text = f"{what}, the first time only"
                shown.close()
                bars[what] = shown.enter_context(progress_bar(text, total))
                if not sys.stderr.isatty():
                    print(text, file=sys.stderr)
            bars[what](done)

        yield show

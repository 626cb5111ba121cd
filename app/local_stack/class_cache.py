"""What a JVM has loaded and linked by the time Kafka serves, kept for the next ones.

A start takes less than half the time with it; the first one makes it, in about eight seconds.
Source: JEP 483 and JEP 514, ahead-of-time class loading and linking.
"""

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from app.local_stack.jars import Progress, cache_dir
from app.local_stack.run_lock import held
from streams.errors import Misconfigured, Unavailable

WHAT = "preparing Kafka's quick starts"
# Machine code is not kept: what JDK 25 keeps of it is refused with warnings when it is read.
WITHOUT_CODE = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:-AOTAdapterCaching",
    "-XX:-AOTStubCaching",
)
# A damaged cache is left aside, at 0.1 s a start; without the check the JVM would crash.
CHECKED = "-XX:+VerifySharedSpaces"

log = logging.getLogger(__name__)


async def class_cache(
    java: Sequence[str], train: Callable[[Sequence[str]], Awaitable[None]], progress: Progress
) -> list[str]:
    """The options with which the JVM of `java` uses its cache; without one it starts all the same, with no options.

    Where there is none yet and nobody else is at it, it is made: `train` is to let a Kafka start and stop whose JVM
    has the options given.
    """
    cache = cache_file(java)
    if not cache.exists():
        try:
            with held(cache.with_suffix(".lock"), taken="another process is making it"):
                progress(WHAT, 0, None)
                await _make(cache, train)
        except (Misconfigured, Unavailable, OSError) as error:
            log.warning("Kafka starts without its class cache", extra={"reason": str(error)})
            return []
    return [CHECKED, f"-XX:AOTCache={cache}"]


def cache_file(java: Sequence[str]) -> Path:
    """Where the cache of this JVM, with these options and jars, is kept."""
    program, *options = java
    release = Path(program).parent.parent / "release"
    key = hashlib.sha256(release.read_bytes() + "\n".join(options).encode())
    return cache_dir() / f"kafka-{key.hexdigest()[:12]}.aot"


async def _make(cache: Path, train: Callable[[Sequence[str]], Awaitable[None]]) -> None:
    """It appears only when it is whole; FileNotFoundError if the JVM has not written it."""
    prefix, suffix = f"{cache.stem}.", ".new"
    for abandoned in cache.parent.glob(f"{prefix}*{suffix}"):
        shutil.rmtree(abandoned, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=cache.parent, prefix=prefix, suffix=suffix) as staging:
        made = Path(staging) / cache.name
        await train([*WITHOUT_CODE, f"-XX:AOTCacheOutput={made}"])
        made.rename(cache)

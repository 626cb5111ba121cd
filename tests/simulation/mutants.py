"""`python -m tests.simulation.mutants [NAME ...]`: take safeguards out of a copy of the code, and see what notices.

Each mutant meets the stories and then random schedules, until a promise is broken: something wrong is counted or told,
told twice or never, or a lane stays stuck.  That a test stumbles over something else is said, but it does not count.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.simulation.mutations import MUTATIONS, SURVIVES_ALONE, TOGETHER, Change

ROOT: Final = Path(__file__).parent.parent.parent
COPIED: Final = ("app", "streams", "tests", "pyproject.toml")
SCHEDULES: Final = 3_000
LONGEST_S: Final = 1_200
STORIES: Final = ("-m", "pytest", "tests/faults", "-q", "-n0", "--tb=line", "--maxfail=30", "-p", "no:cacheprovider")
PROMISES: Final = {
    "tests/simulation/exactness.py": "wrong",
    "tests/comparison.py": "wrong",
    "tests/simulation/world.py": "stuck",
    "tests/simulation/clock.py": "stuck",
}
"""Where a failure is raised that says that a promise was broken."""
FAILURE: Final = re.compile(r"^(?:\S*?/)?((?:tests|streams|app)/\S+\.py):(\d+): (.*)$", re.MULTILINE)

SCHEDULES_UNTIL_BROKEN: Final = """
import logging, sys, traceback
from pathlib import Path
from tests.simulation.schedules import play
logging.disable(logging.CRITICAL)
for seed in range(int(sys.argv[1])):
    if (failure := play(seed).failure) is not None:
        where = traceback.extract_tb(failure.__traceback__)[-1]
        place = Path(where.filename)
        place = place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place
        print(f"{place}:{where.lineno}: {failure!r}"[:300].replace(chr(10), " "), f"@{seed + 1}", flush=True)
        if place.as_posix() in sys.argv[2:]:
            break
"""


class Noticed(NamedTuple):
    """A failure."""

    how: str  # wrong or stuck: a promise was broken; story: a story says so itself; else it is an accident
    where: str
    what: str


def names() -> list[str]:
    """All mutants: each safeguard alone, and some together."""
    return [*MUTATIONS, *(" + ".join(names) for names in TOGETHER)]


def changes(name: str) -> Iterator[Change]:
    """What makes a mutant."""
    for part in name.split(" + "):
        yield from MUTATIONS[part]


def mutate(root: Path, name: str) -> None:
    """Change a copy of the code; ValueError when the table does not fit it any more."""
    for file, old, new in changes(name):
        path = root / file
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{name}: {file} holds {old!r} {text.count(old)} times")
        path.write_text(text.replace(old, new), encoding="utf-8")


def tried(name: str, schedules: int) -> tuple[Noticed | None, str]:
    """What notices a mutant, and after how many stories or schedules."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place).resolve()
        for part in COPIED:
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, root / part)
        mutate(root, name)
        stories = noticed(run(root, *STORIES))
        broken = [one for one in stories if one.how in PROMISES.values()]
        if broken:
            return broken[0], f"{len(broken)} of {len(stories)} stories that fail"
        output = run(root, "-c", SCHEDULES_UNTIL_BROKEN, str(schedules), *PROMISES)
        failures = noticed(output)
        broken = [one for one in failures if one.how in PROMISES.values()]
        if broken:
            return broken[-1], f"schedule {output.rsplit('@', 1)[1].strip()}"
        others = sorted((*stories, *failures), key=lambda one: one.how != "story")
        return (
            others[0] if others else None
        ), f"{schedules} schedules, {len(stories)} stories, {len(failures)} schedules fail otherwise"


def run(root: Path, *arguments: str) -> str:
    """What a program says in a copy; the modules are the copy's, whatever is installed."""
    environment = os.environ | {"PYTHONPATH": str(root)}
    where = subprocess.run(
        [sys.executable, "-c", "import streams; print(streams.__file__)"],
        cwd=root, env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if Path(where.strip()).parent.parent != root:
        raise RuntimeError(f"not the copy would run, but {where}")
    try:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=root, env=environment, timeout=LONGEST_S, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return "tests/simulation/clock.py:0: it never ends @0"
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout)
    return done.stdout


def noticed(output: str) -> list[Noticed]:
    """The failures that a run has told of."""
    found = []
    for file, line, what in FAILURE.findall(output):
        how = PROMISES.get(file) or ("story" if "tests/faults/" in file else "accident")
        found.append(Noticed(how, f"{file}:{line}", what))
    return found


def main(wanted: list[str]) -> int:
    """Print a table; the exit status is 1 if a mutant survives of which that is not known."""
    strange = 0
    for name in wanted or names():
        failure, after = tried(name, SCHEDULES)
        if failure is None:
            strange += name not in SURVIVES_ALONE
            how = f"SURVIVES: {SURVIVES_ALONE.get(name, 'nobody knows why')}"
        else:
            how = f"{failure.how}: {failure.where}: {failure.what[:110]}"
        print(f"{name}\t{after}\t{how}", flush=True)
    return 1 if strange else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`python -m tests.simulation.mutants [NAME ...]`: take safeguards out of a copy of the code, and see what notices.

Each mutant meets random schedules until a promise is broken: something wrong is counted or told, told twice or
never, or a lane stays stuck.  That a schedule stumbles over something else does not count.  What passes them all
meets the stories.  `--schedules N` says how many schedules (default 10,000), `--jobs N` how many mutants at a time,
`--write FILE` where the verdicts are kept: those of one run replace those of the runs before, one by one.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from tests.simulation.many import PROMISES, Broken
from tests.simulation.mutations import MUTATIONS, SURVIVES_ALONE, TOGETHER, Change

ROOT: Final = Path(__file__).parent.parent.parent
COPIED: Final = ("app", "streams", "tests", "pyproject.toml")
SCHEDULES: Final = 10_000
LONGEST_S: Final = 1_200
STORIES: Final = ("-m", "pytest", "tests/faults", "-q", "-n0", "--tb=line", "--maxfail=30", "-p", "no:cacheprovider")
FAILURE: Final = re.compile(r"^(?:\S*?/)?((?:tests|streams|app)/\S+\.py):(\d+): (.*)$", re.MULTILINE)

TABLE_HEAD: Final = """# What notices when a safeguard is taken out of the lane protocol

Written by `python -m tests.simulation.mutants --write docs/protocol-mutants.md`; how, is in
[protocol-tests.md](protocol-tests.md). A number is that of the first random schedule that breaks a promise: something
is counted or told wrongly, or twice (wrong), or a lane stays stuck. Stories are those of `tests/faults`, asked only
about what all schedules passed. What is changed in the code is in `tests/simulation/mutations.py`.

| taken away | noticed by |
|---|---|"""

UNTIL_BROKEN: Final = """
import sys, msgspec
from tests.simulation.many import until_broken
sys.stdout.buffer.write(msgspec.json.encode(until_broken(range(int(sys.argv[1])))))
"""


class Verdict(NamedTuple):
    """What became of a mutant."""

    name: str
    schedules: int  # until a promise was broken, or that were tried
    noticed: Broken | None
    stories: int  # that fail; they are asked only about what all schedules passed
    seconds: float

    def __str__(self) -> str:
        what = f": {self.noticed.what[:90]}" if self.noticed is not None else ""
        return f"{self.name}\t{self.said}{what}\t{self.seconds:.0f} s"

    @property
    def said(self) -> str:
        """The verdict in a few words."""
        if self.survives:
            return f"SURVIVES {self.schedules:,} schedules: {SURVIVES_ALONE.get(self.name, 'nobody knows why')}"
        if self.stories:
            return f"{self.schedules:,} schedules pass, stories fail"
        return f"schedule {self.schedules:,} ({self.noticed.how if self.noticed else ''})"

    @property
    def survives(self) -> bool:
        """Whether nothing noticed it."""
        return self.noticed is None or (self.noticed.how == "accident" and not self.stories)


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


def tried(name: str, schedules: int) -> Verdict:
    """What notices a mutant, and after how many schedules."""
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place).resolve()
        for part in COPIED:
            source = ROOT / part
            (shutil.copytree if source.is_dir() else shutil.copy)(source, root / part)
        mutate(root, name)
        output = run(root, "-c", UNTIL_BROKEN, str(schedules))
        count, noticed = msgspec.json.decode(output, type=tuple[int, Broken | None])
        stories: list[Broken] = []
        if noticed is None or noticed.how == "accident":
            stories = failures(run(root, *STORIES))
            noticed = stories[0] if stories else noticed
        return Verdict(name, count, noticed, len(stories), time.monotonic() - began_s)


def run(root: Path, *arguments: str) -> str:
    """What a program says in a copy; the modules are the copy's, whatever is installed."""
    environment = os.environ | {"PYTHONPATH": str(root)}
    where = subprocess.run(
        [sys.executable, "-c", "import streams; print(streams.__file__)"],
        cwd=root, env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if Path(where.strip()).parent.parent != root:
        raise RuntimeError(f"not the copy would run, but {where}")
    done = subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, timeout=LONGEST_S, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode not in (0, 1) or not done.stdout:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout


def failures(output: str) -> list[Broken]:
    """The failures that a run of the stories has told of."""
    return [
        Broken(PROMISES.get(file) or ("story" if "tests/faults/" in file else "accident"), f"{file}:{line}", what)
        for file, line, what in FAILURE.findall(output)
    ]


def write(file: Path, verdicts: Sequence[Verdict]) -> None:
    """Keep verdicts in a table in Markdown, in the order of the mutants."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    known = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE))
    known |= {verdict.name: verdict.said for verdict in verdicts}
    rows = [f"| {name} | {known[name]} |" for name in names() if name in known]
    file.write_text("\n".join([TABLE_HEAD, *rows, ""]), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Print a table; the exit status is 1 if a mutant survives of which that is not known."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of tests/simulation/mutations.py; all by default")
    parser.add_argument("--schedules", type=int, default=SCHEDULES, help="that each must meet at most")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    parser.add_argument("--write", type=Path, metavar="FILE", help="keep the verdicts in this table")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.names) - set(names()):
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}")
    strange, verdicts = 0, list[Verdict]()
    with ThreadPoolExecutor(asked.jobs) as pool:
        for verdict in pool.map(lambda name: tried(name, asked.schedules), asked.names or names()):
            print(verdict, flush=True)
            verdicts.append(verdict)
            if asked.write is not None:
                write(asked.write, verdicts)
            strange += verdict.survives and verdict.name not in SURVIVES_ALONE
    return 1 if strange else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

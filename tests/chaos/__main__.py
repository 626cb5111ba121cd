"""`python -m tests.chaos`: one run; `python -m tests.chaos merge FILE...`: reports of several runs added up."""

import argparse
import asyncio
import dataclasses
import logging
import shutil
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console

from streams.errors import RedcatError
from tests.chaos.crew import faketime
from tests.chaos.faults import CLOCK, KINDS
from tests.chaos.report import Report, added_up, as_markdown, read_report, write_report
from tests.chaos.run import Plan, run

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130

progress = Console(stderr=True, highlight=False, soft_wrap=True)


def main(arguments: Sequence[str]) -> int:
    """Exit status 0 when nothing was lost, duplicated or wrong, 1 otherwise, 2 for wrong use."""
    logging.basicConfig(level=logging.CRITICAL)
    if arguments[:1] == ["merge"]:
        return _merge(_merge_options(arguments[1:]))
    options = _options(arguments)
    plan, reports = _plan(options), list[Report]()
    try:
        for seed in range(options.seed, options.seed + options.runs):
            reports.append(_run(dataclasses.replace(plan, seed=seed), keep=options.keep))
            _write(added_up(reports), options)
    except asyncio.CancelledError:
        return INTERRUPTED
    except RedcatError as error:
        progress.print(f"chaos: {error}", style="red", markup=False)
        return FAILED
    return _show(added_up(reports), options)


def _run(plan: Plan, *, keep: bool) -> Report:
    report, folder = asyncio.run(_until_interrupted(run(plan, _tell)))
    if keep or not report.exact:
        progress.print(f"all logs are in {folder}", style="yellow", markup=False)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Random faults on real workers and servers under traffic whose truth is known; all must be exact.",
        epilog="`merge FILE...` adds up reports of several runs. The seed decides traffic and dice only.",
    )
    parser.add_argument("--minutes", type=_positive, default=5.0, help="of traffic and faults (default 5)")
    parser.add_argument("--seed", type=int, default=1, help="of the first run (default 1)")
    parser.add_argument("--runs", type=_count, default=1, help="one after the other, each with the next seed, added up")
    parser.add_argument("--rate", type=_positive, default=4_000.0, help="events a second (default 4000)")
    parser.add_argument("--workers", type=_workers, default=3, help="at the beginning (default 3)")
    parser.add_argument(
        "--every", type=_positive, default=2.5, metavar="S", help="seconds from fault to fault, on average"
    )
    parser.add_argument(
        "--only", type=_kinds, default=frozenset(KINDS), metavar="KIND,...", help=f"of: {', '.join(KINDS)}"
    )
    parser.add_argument("--beside", type=_checkout, metavar="FOLDER", help="another version, as every other worker")
    parser.add_argument("--keep", action="store_true", help="keep all logs and data, also of an exact run")
    _add_outputs(parser)
    return parser.parse_args(arguments)


def _merge_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos merge", description="Add up reports of several runs.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="written by --report")
    _add_outputs(parser)
    return parser.parse_args(arguments)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--report", type=_file, metavar="FILE", help="write the report as JSON into this file")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")


def _positive(text: str) -> float:
    if not (number := float(text)) > 0:
        raise argparse.ArgumentTypeError("must be above 0")
    return number


def _checkout(text: str) -> Path:
    path = Path(text).absolute()
    if not (path / "app" / "__main__.py").exists():
        raise argparse.ArgumentTypeError(f"{path} is no checkout of Redcat")
    return path


def _file(text: str) -> Path:
    path = Path(text).absolute()  # a run works in a folder of its own
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be above 0")
    return number


def _workers(text: str) -> int:
    if not 1 <= (number := int(text)) <= 8:
        raise argparse.ArgumentTypeError("must be 1 to 8")
    return number


def _kinds(text: str) -> frozenset[str]:
    kinds = frozenset(kind.strip() for kind in text.split(","))
    if unknown := kinds - set(KINDS):
        raise argparse.ArgumentTypeError(f"no such kind: {', '.join(sorted(unknown))}; there are: {', '.join(KINDS)}")
    return kinds


def _plan(options: argparse.Namespace) -> Plan:
    kinds = options.only
    if faketime() is None and CLOCK in kinds:
        progress.print(f"left out: {CLOCK} (install libfaketime)", style="yellow")
        kinds -= {CLOCK}
    return Plan(
        minutes=options.minutes, seed=options.seed, rate=options.rate, workers=options.workers,
        every_s=options.every, kinds=kinds, other=options.beside,
    )  # fmt: skip


def _tell(at_s: float, what: str) -> None:
    progress.print(f"{at_s:7.1f} s  {what}", markup=False)


async def _until_interrupted(work: Coroutine[Any, Any, tuple[Report, Path]]) -> tuple[Report, Path]:
    """Wait for the end, unless Ctrl-C or SIGTERM comes: then everything that was started is stopped."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def _merge(options: argparse.Namespace) -> int:
    reports = []
    for path in options.files:
        try:
            reports.append(read_report(path.read_bytes()))
        except (OSError, msgspec.DecodeError) as error:
            progress.print(f"chaos: {path} is no report: {error}", style="red", markup=False)
            return WRONG_USE
    return _show(added_up(reports), options)


def _write(report: Report, options: argparse.Namespace) -> None:
    if options.report is not None:
        options.report.write_bytes(write_report(report))


def _show(report: Report, options: argparse.Namespace) -> int:
    _write(report, options)
    print(write_report(report).decode() if options.json else as_markdown(report))
    return 0 if report.exact else FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

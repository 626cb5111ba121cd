"""What chaos runs have shown; reports of several runs add up."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

FORMAT: Final = 1
EXAMPLES: Final = 50
RECOVERED: Final = (
    "Recovered: from the end of the fault (of a worker that was killed, frozen or stopped: from its beginning) until "
    "every lane has committed again. Other faults come meanwhile, and what they take is in it."
)


class Report(msgspec.Struct, kw_only=True):
    """One run, or several added up."""

    format: int = FORMAT
    runs: int = 1
    seeds: list[int]
    commits: list[str]  # of the code that ran
    began: list[str]  # UTC
    minutes: float
    events: int  # sent by the simulator
    faults: dict[str, int]  # by kind
    recovery_s: dict[str, list[float]]  # by kind: from the end of a fault until every lane has committed again
    records: int  # that the reader of committed records has read
    identities: int  # of results
    notes: int
    lost: int  # results that are missing or not the latest
    duplicated: int  # records read a second time, or after a later one of the same identity
    wrong: dict[str, int]  # other differences from the truth: counters, ledger, audit, billing
    examples: list[str]  # of all that was lost, duplicated or wrong
    ended: dict[str, int]  # workers that ended by themselves, by their last words
    stopped: dict[str, int]  # lanes that stopped for a person, by the reason with its numbers left out
    left_out: list[str]  # kinds of faults that could not be made on the machine

    @property
    def exact(self) -> bool:
        return not (self.lost or self.duplicated or any(self.wrong.values()))


def added_up(reports: Sequence[Report]) -> Report:
    """The sum of at least one report."""
    recovery: dict[str, list[float]] = {}
    for report in reports:
        for kind, seconds in report.recovery_s.items():
            recovery.setdefault(kind, []).extend(seconds)
    return Report(
        runs=sum(one.runs for one in reports),
        seeds=[seed for one in reports for seed in one.seeds],
        commits=sorted({commit for one in reports for commit in one.commits}),
        began=sorted(at for one in reports for at in one.began),
        minutes=sum(one.minutes for one in reports),
        events=sum(one.events for one in reports),
        faults=_sum(one.faults for one in reports),
        recovery_s=dict(sorted(recovery.items())),
        records=sum(one.records for one in reports),
        identities=sum(one.identities for one in reports),
        notes=sum(one.notes for one in reports),
        lost=sum(one.lost for one in reports),
        duplicated=sum(one.duplicated for one in reports),
        wrong=_sum(one.wrong for one in reports),
        examples=[example for one in reports for example in one.examples][:EXAMPLES],
        ended=_sum(one.ended for one in reports),
        stopped=_sum(one.stopped for one in reports),
        left_out=sorted({kind for one in reports for kind in one.left_out}),
    )


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for some in counts:
        total.update(some)
    return dict(sorted(total.items()))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values`, of which there is one at least, that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]


def as_markdown(report: Report) -> str:
    """The report for people."""
    counts = f"{report.events:,} events, {sum(report.faults.values()):,} faults"
    seeds, commits = ", ".join(map(str, report.seeds)), ", ".join(report.commits)
    where = f"commit {commits}, begun {report.began[0]} UTC"
    read = f"{report.identities:,} results (a reader of committed records read {report.records:,})"
    others = f"all counters of {report.notes:,} notes, the ledger, the audit, the example that bills"
    sums = [
        f"{report.runs} runs (seeds {seeds}), {report.minutes:.0f} minutes of faults, {where}.",
        f"**{counts}: {report.lost} lost, {report.duplicated} duplicated.**",
        f"Compared with the truth: {read}, {others}. Differences: {_differences(report.wrong)}.",
        _table(report),
        RECOVERED,
        *(f"{times} workers ended by themselves and were replaced: `{words}`" for words, times in report.ended.items()),
        *(f"{times} times a lane stopped for a person: `{words}`" for words, times in report.stopped.items()),
        *([f"Not made on this machine: {', '.join(report.left_out)}."] if report.left_out else []),
        *(f"- {example}" for example in report.examples),
    ]
    return "\n\n".join(sums)


def _table(report: Report) -> str:
    recovery_s = report.recovery_s
    every = [one for some in recovery_s.values() for one in some]
    lines = [
        "| fault | times | recovered after s, p50 | p99 | longest |",
        "|---|---|---|---|---|",
        *(_line(kind, times, recovery_s.get(kind, [])) for kind, times in sorted(report.faults.items())),
        _line("all", sum(report.faults.values()), every),
    ]
    return "\n".join(lines)


def _differences(wrong: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(wrong.items()))


def _line(kind: str, times: int, seconds: Sequence[float]) -> str:
    if not seconds:
        return f"| {kind} | {times} | | | |"
    shown = [percentile(seconds, 0.5), percentile(seconds, 0.99), max(seconds)]
    return f"| {kind} | {times} | {' | '.join(f'{one:.1f}' for one in shown)} |"


def read_report(text: bytes) -> Report:
    """A report from its JSON; raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=Report)


def write_report(report: Report) -> bytes:
    """A report as JSON."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"

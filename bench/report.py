"""The figures of a run as rows for people, from the JSON that the run wrote."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rich.table import Table

Figures = Mapping[str, Any]


WANTED_DELAYS_MIN: Mapping[str, tuple[float | None, float | None]] = {
    "link_break": (15, 30), "platform_break": (None, 3), "entry_drop": (None, 60),
}  # fmt: skip
"""Minutes within which half and 95 % of planted incidents are to be found."""


class Row(NamedTuple):
    """One figure; `at_most` and `at_least` are what Redcat wants to reach."""

    what: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def shown(self) -> str:
        return f"{self.value:,.0f}" if self.value >= 1_000 or self.value == int(self.value) else f"{self.value:,.1f}"

    @property
    def limit(self) -> str:
        if self.at_most is not None:
            return f"at most {self.at_most:,g}"
        return f"at least {self.at_least:,g}" if self.at_least is not None else ""

    @property
    def met(self) -> bool:
        within = self.at_most is None or self.value <= self.at_most
        return within and (self.at_least is None or self.value >= self.at_least)


def rows(figures: Figures) -> list[Row]:
    """All figures of a run, in the order of the table; parts that were not run are left out."""
    parts = (
        *(_floor, _end_to_end, _faust, _series, _memory, _latency, _idle, _handover, _outage, _api),
        *(_alerts, _exactness),
    )
    return [row for part in parts for row in part(figures)]


def wrong(figures: Figures) -> int:
    """Wrong counters and results in all runs together."""
    return sum(run["wrong_counters"] + run["wrong_results"] + run["revisions_twice"] for run in _compared(figures))


def as_table(figures: Figures) -> Table:
    """The rows for a terminal."""
    table = Table("what", "measured", "unit", "wanted", title="Redcat bench", title_justify="left")
    table.columns[1].justify = "right"
    for row in rows(figures):
        colour = "" if not row.limit else "green" if row.met else "red"
        table.add_row(row.what, f"[{colour}]{row.shown}[/]" if colour else row.shown, row.unit, row.limit)
    return table


def as_markdown(figures: Figures) -> str:
    """The rows as a table in Markdown, with where and when they were measured."""
    on = figures["machine"]
    where = f"{on['at']}, {on['processor']}, {on['processors']} processors, {on['memory_gib']:.0f} GiB"
    what = f"Redcat {on['redcat']}, Python {on['python']}, Kafka {on['kafka']}, Valkey {on['valkey']}"
    head = [f"{where}; {what}.", "", "| what | measured | unit | wanted |", "|---|---:|---|---|"]
    body = [
        f"| {row.what} | {row.shown} | {row.unit} | {row.limit}{'' if row.met else ' (missed)'} |"
        for row in rows(figures)
    ]
    return "\n".join(head + body)


def _alerts(figures: Figures) -> Iterator[Row]:
    if not (alerts := figures.get("alerts")):
        return
    for judge in alerts["judges"]:
        ours = judge["judge"] == "redcat"
        name = "alerts" if ours else f"alerts, {judge['judge']}"
        false, at_most = judge["false_per_week"], judge["false_per_week_at_most"]
        yield Row(f"{name}: false, {alerts['notes']:,} notes", false, "a week", at_most=1 if ours else None)
        yield Row(f"{name}: false, 95 % bound", at_most, "a week", at_most=1 if ours else None)
        for delay in judge["delays"]:
            wanted = WANTED_DELAYS_MIN.get(delay["kind"], (None, None)) if ours else (None, None)
            for what, value, limit in (
                ("median", delay["median_min"], wanted[0]),
                ("95 %", delay["p95_min"], wanted[1]),
            ):
                if value is not None and delay["kind"] in WANTED_DELAYS_MIN:
                    yield Row(f"{name}: {delay['kind']} found, {what}", value, "min", at_most=limit)
    yield Row(f"evaluation of {alerts['scopes']:,} scopes", alerts["evaluation_s"], "s", at_most=10)
    yield Row(f"memory for {alerts['scopes']:,} scopes", alerts["evaluation_mib"], "MiB")


def _floor(figures: Figures) -> Iterator[Row]:
    if floor := figures.get("floor"):
        yield Row("floor: aiokafka and decoding, nothing else", floor["plain_us_per_event"], "us/event")
        yield Row("floor: Redcat's feed and decoding, nothing else", floor["feed_us_per_event"], "us/event")


def _end_to_end(figures: Figures) -> Iterator[Row]:
    for run in figures.get("end_to_end", ()):
        of = f"{run['events']:,} records"
        worker, redis = run["worker_us_per_event"], run["redis_us_per_event"]
        yield Row(f"worker, {of}", worker, "us/event", at_most=10)
        yield Row(f"Redis, {of}", redis, "us/event", at_most=4)
        yield Row(f"worker and Redis, {of}", worker + redis, "us/event", at_most=14)
        yield Row(f"one worker's throughput, {of}", run["events_per_s"], "events/s")
        yield Row(f"worker's memory at its highest, {of}", run["worker_peak_rss_mib"], "MiB")


def _faust(figures: Figures) -> Iterator[Row]:
    if faust := figures.get("faust"):
        yield Row("idiomatic Faust: worker", faust["worker_us_per_event"], "us/event")
        yield Row("idiomatic Faust: Redis", faust["redis_us_per_event"], "us/event")
        wrong_notes, notes = faust["notes_with_wrong_counters"], faust["notes"]
        yield Row(f"idiomatic Faust: notes with wrong counters, of {notes:,}", wrong_notes, "notes")
    ratios = figures.get("ratios", {})
    if "faust_to_worker" in ratios:
        yield Row("idiomatic Faust against Redcat's worker", ratios["faust_to_worker"], "times", at_least=60)
    if "worker_to_floor" in ratios:
        yield Row("Redcat's worker against the floor", ratios["worker_to_floor"], "times")


def _series(figures: Figures) -> Iterator[Row]:
    if series := figures.get("series"):
        of = f"{series['events']:,} records at 2,000 a second of event time"
        yield Row(f"time series: worker, more, {of}", series["worker_us_per_event"], "us/event", at_most=2)
        yield Row(f"time series: Redis, more, {of}", series["redis_us_per_event"], "us/event", at_most=2)
        yield Row(f"time series: Redis memory, {of}", series["redis_bytes"] / 2**20, "MiB")


def _memory(figures: Figures) -> Iterator[Row]:
    runs = figures.get("memory", ())
    for run in runs:
        of = f"{run['live_tokens']:,} live tokens"
        yield Row(f"Redis memory, {of}", run["bytes_per_token"], "bytes/token", at_most=200)
    if runs:
        less, more = runs
        further = (more["redis_bytes"] - less["redis_bytes"]) / (more["live_tokens"] - less["live_tokens"])
        yield Row("Redis memory, each further token", further, "bytes/token")


def _latency(figures: Figures) -> Iterator[Row]:
    if light := figures.get("latency"):
        at = f"at {light['rate_per_s']:,} records/s"
        yield Row(f"produced to visible counter, p50, {at}", light["counter_p50_ms"], "ms", at_most=20)
        yield Row(f"produced to visible counter, p99, {at}", light["counter_p99_ms"], "ms", at_most=100)
        yield Row(f"produced to readable result, p50, {at}", light["result_p50_ms"], "ms")
        yield Row(f"produced to readable result, p99, {at}", light["result_p99_ms"], "ms", at_most=500)
        yield Row(f"worker, {at}", light["worker_us_per_event"], "us/event", at_most=60)
        yield Row(f"Redis, {at}", light["redis_us_per_event"], "us/event")


def _idle(figures: Figures) -> Iterator[Row]:
    if idle := figures.get("idle"):
        yield Row("idle worker", idle["processor_percent"], "% of a core", at_most=2)
        yield Row("idle worker's memory", idle["rss_mib"], "MiB", at_most=150)


def _handover(figures: Figures) -> Iterator[Row]:
    for run in figures.get("handover", ()):
        for what, seconds, limit in (("kill -9", run["after_kill_s"], 10), ("SIGTERM", run["after_sigterm_s"], 2)):
            of = f"lanes move again after {what}, {run['tokens']:,} tokens held"
            yield Row(f"{of}, half of {len(seconds)} times", sorted(seconds)[len(seconds) // 2], "s")
            yield Row(f"{of}, at the longest", max(seconds), "s", at_most=limit)


def _outage(figures: Figures) -> Iterator[Row]:
    if outage := figures.get("outage"):
        for server in ("Kafka", "Valkey"):
            seconds = outage[f"after_{server.lower()}_s"]
            of = f"first commit of all lanes after {server} is back"
            yield Row(f"{of}, half of {len(seconds)} times", sorted(seconds)[len(seconds) // 2], "s")
            yield Row(f"{of}, at the longest", max(seconds), "s", at_most=5)
        yield Row("worker's memory, grown in all these outages", outage["worker_grown_mib"], "MiB")


def _api(figures: Figures) -> Iterator[Row]:
    if api := figures.get("api"):
        asked = f"API, {api['notes']:,} notes"
        yield Row(f"{asked}: one, {api['rate_per_s']} a second, p50", api["note_p50_ms"], "ms")
        yield Row(f"{asked}: one, {api['rate_per_s']} a second, p99", api["note_p99_ms"], "ms", at_most=20)
        yield Row(f"{asked}: server, following a worker", api["server_us_per_request"], "us/request")
        yield Row(f"{asked}: ranked list, p50", api["list_p50_ms"], "ms")
        yield Row(f"{asked}: ranked list, slowest", api["list_max_ms"], "ms", at_most=200)
        yield Row(f"{asked}: click to {api['streams']} streams, p50", api["stream_p50_ms"], "ms")
        yield Row(f"{asked}: click to {api['streams']} streams, p99", api["stream_p99_ms"], "ms", at_most=1_000)
        yield Row(f"{asked}: memory, at the begin", api["rss_begin_mib"], "MiB")
        yield Row(f"{asked}: memory, {api['seconds']:.0f} s later", api["rss_end_mib"], "MiB")


def _exactness(figures: Figures) -> Iterator[Row]:
    compared = list(_compared(figures))
    if compared:
        notes, results = (sum(run[name] for run in compared) for name in ("notes", "results"))
        what = f"wrong among {notes:,} notes and {results:,} results of {len(compared)} runs"
        yield Row(what, wrong(figures), "", at_most=0)


def _compared(figures: Figures) -> Iterator[Figures]:
    for part in figures.values():
        for run in part if isinstance(part, list) else [part]:
            if "exactness" in run:
                yield run["exactness"]

"""Whether a run was exact: every counter, every result and every revision against the simulator's truth."""

import json
from dataclasses import dataclass

from app.results_reader import Results, reading_results
from app.settings import Settings
from app.simulator.compare import compare_counters, compare_results, kept
from app.simulator.truth_file import Truth
from bench.world import World, capture, progress, redcat

SHOWN = 5


@dataclass(frozen=True)
class Exactness:
    """What was compared, and in how much of it Redcat was wrong or incomplete."""

    notes: int
    results: int
    wrong_counters: int
    wrong_results: int
    revisions_twice: int  # (identity, revision) pairs that a reader of committed results read again

    @property
    def wrong(self) -> int:
        return self.wrong_counters + self.wrong_results + self.revisions_twice


async def check(world: World, settings: Settings, truth: Truth) -> Exactness:
    """Compare what `redcat counters` shows and what a reader of committed results reads with the truth.

    A worker that drains is done at the ends it saw at its start: what it forwarded itself needs another one.
    """
    await world.drain(settings)
    with progress.status("comparing every counter and every result with the truth"):
        notes = json.loads(await capture(settings, *redcat("counters", "--json")))["notes"]
        counters = compare_counters(truth, notes)
        read = Results(lambda value: kept(value, full=truth.full_results))
        async with reading_results(settings) as reader:
            await reader.read_to_end(read)
        results = compare_results(truth, read.latest)
    twice = [f"{identity}: revision {revision} was read twice" for identity, revision in read.twice]
    for difference in [*counters[:SHOWN], *results[:SHOWN], *twice[:SHOWN]]:
        progress.print(f"wrong: {difference}", style="red", markup=False)
    exactness = Exactness(len(notes), len(read.latest), len(counters), len(results), len(twice))
    progress.print(f"  {exactness.notes:,} notes, {exactness.results:,} results: {exactness.wrong} wrong")
    return exactness

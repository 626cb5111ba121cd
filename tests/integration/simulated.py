"""What workers have made of simulated traffic, against the simulator's truth."""

from functools import partial

from app.counters import Selection, counters_of, json_of
from app.reading import reading
from app.results_reader import Results, reading_results
from app.settings import Settings
from app.simulator.compare import compare_counters, compare_results, kept
from app.simulator.truth import Tallies
from app.simulator.truth_file import truth_of


async def assert_as_simulated(settings: Settings, tallies: Tallies) -> None:
    """Counters and latest results equal the truth (`tallies` hold full results), and no revision came twice."""
    truth = truth_of(tallies)
    async with reading(settings) as reader:
        notes = {note_id: counters_of(cells, Selection()) async for note_id, cells in reader.notes()}
    assert compare_counters(truth, json_of(notes)["notes"]) == []
    results = Results(partial(kept, full=True))
    async with reading_results(settings) as result_reader:
        await result_reader.read_to_end(results)
    assert compare_results(truth, results.latest) == []
    assert results.twice == []

"""Traffic that goes on is sent as it becomes due."""

from app.demo_traffic import Due
from app.simulator.config import SimulatorConfig
from app.simulator.facts import Outgoing
from app.simulator.population import Population


def record(at_ms: int) -> Outgoing:
    """A record that is due at a time."""
    return Outgoing("click-out", None, b"t", b"{}", at_ms)


def test_records_are_taken_when_they_are_due_and_never_twice() -> None:
    due = Due([record(10), record(20), record(20), record(30)])

    taken = [[one.timestamp_ms for one in due.until(at_ms)] for at_ms in (5, 20, 29)]
    assert taken == [[], [10, 20, 20], []]
    assert not due.over
    assert [one.timestamp_ms for one in due.until(99)] == [30]
    assert due.over


def test_other_traffic_can_be_of_the_same_world() -> None:
    def notes(config: SimulatorConfig) -> list[str]:
        return [link.note_id for link in Population(config).by_rank]

    first = SimulatorConfig(seed=1, notes=20)
    assert notes(SimulatorConfig(seed=2, world=1, notes=20)) == notes(first)
    assert notes(SimulatorConfig(seed=2, notes=20)) != notes(first)

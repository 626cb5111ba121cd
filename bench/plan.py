"""How much of everything one run measures."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The sizes of a run; a rate is in records a second."""

    end_to_end_events: tuple[int, ...] = (300_000, 2_000_000)
    faust_events: int = 40_000
    series_events: int = 200_000
    memory_events: tuple[int, int] = (400_000, 1_600_000)  # about 185,000 tokens, and four times as many
    seed: int = 1

    light_rate: int = 2_000
    warm_up_s: float = 10.0
    light_cost_s: float = 20.0  # without probes, for the processor time
    light_probes_s: float = 30.0
    probes_per_s: float = 25.0

    api_notes: int = 100_000
    api_rate: int = 500
    api_streams: int = 200
    api_s: float = 60.0

    idle_s: float = 20.0
    handover_rate: int = 2_000
    handover_tokens: tuple[int, ...] = (10_000, 1_000_000)  # held meanwhile, about
    handover_turns: int = 10  # workers killed, and as many asked to stop

    alert_days: int = 10  # of each of four histories, the first two of them for learning
    alert_notes: int = 5_000

    outage_rate: int = 1_000
    outage_away_s: float = 10.0
    outage_turns: int = 10  # crashes of each server


FULL = Plan()
QUICK = Plan(
    end_to_end_events=(50_000,),
    faust_events=4_000,
    series_events=20_000,
    memory_events=(20_000, 80_000),
    warm_up_s=3.0,
    light_cost_s=5.0,
    light_probes_s=8.0,
    api_s=10.0,
    idle_s=5.0,
    handover_tokens=(10_000,),
    handover_turns=1,
    alert_days=4,
    alert_notes=300,
    outage_away_s=2.0,
    outage_turns=1,
)

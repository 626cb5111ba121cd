"""What the simulated traffic is like: its size, its world and how often each thing happens."""

from dataclasses import dataclass, field

from app.simulator.incidents import Incident


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How often each thing happens, as probabilities from 0 to 1 or as means where the name says so."""

    facts_without_click: float = 0.015  # of journeys: the click was lost or never made
    another_click: float = 0.12  # after each click: one more under the same token
    entry: float = 0.46  # of journeys: the shop was entered at least once
    another_entry: float = 0.14  # after each entry
    action: float = 0.1  # of journeys: something was favourited or put in the cart
    another_action: float = 0.25  # after each action
    order: float = 0.085  # of journeys: at least one order
    another_order: float = 0.08  # after each order
    other_shop: float = 0.03  # of entries, actions and orders: at a shop that no click led to
    before_click: float = 0.02  # of entries: the shop's clock is behind the note's
    at_an_edge: float = 0.01  # of entries, actions and orders: at the very moment of a click or of a window's end
    boosted: float = 0.1  # of clicks: brought by paid traffic support
    refused_link: float = 0.08  # of clicks: through a link that the default policy refuses

    repeated: float = 0.022  # of facts: sent again, once or more
    repeated_step: float = 0.06  # of order steps, beyond that: page edges of the shops' interfaces
    reworded: float = 0.002  # of facts: sent again with the same content in other bytes
    conflicting: float = 0.003  # of facts: sent with two or more contents
    misplaced: float = 0.002  # of deliveries: into a partition that is not the key's
    metric: float = 0.025  # a note's own figures, for each other record; those of an hour are told together

    invalid: float = 0.005  # of journeys and figures: an invalid record beside their facts
    too_large: float = 0.004  # of invalid records

    def __post_init__(self) -> None:
        if self.disturbed > 1:
            raise ValueError("repeated, repeated_step, reworded, conflicting and misplaced together exceed 1")

    @property
    def disturbed(self) -> float:
        """The share of facts that are not simply sent once where they belong."""
        return self.repeated + self.repeated_step + self.reworded + self.conflicting + self.misplaced


@dataclass(frozen=True, kw_only=True)
class SimulatorConfig:
    """One simulation; equal configurations give equal records, byte for byte."""

    events: int = 300_000  # records sent, repeated and invalid ones included
    seed: int = 1
    world: int | None = None  # seed of the notes, shops and campaigns; None: that of everything else
    notes: int = 2_000
    merchants: int = 200
    campaigns: int = 60
    partitions: int = 4  # of the topics
    start_ms: int = 1_772_380_800_000  # Monday, 2 March 2026, 00:00 in Asia/Shanghai
    days: float = 3.0  # of event time over which the journeys begin; their orders go on for weeks
    full_results: bool = False  # keep expected results field by field, not as digests (six times the memory)
    mix: Mix = field(default_factory=Mix)
    incidents: tuple[Incident, ...] = ()  # those that change how much is sent make the traffic last longer or shorter

    def __post_init__(self) -> None:
        for name in ("notes", "merchants", "campaigns", "partitions"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.events < 0:
            raise ValueError(f"events must not be negative: {self.events}")
        if not 0 < self.days <= 365:
            raise ValueError(f"days must be above 0 and at most 365, not {self.days}")

    @property
    def world_seed(self) -> int:
        """What the notes, shops and campaigns are drawn with."""
        return self.seed if self.world is None else self.world

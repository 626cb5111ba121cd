"""The facts of most stories: an order that is credited, then held, then credited again."""

from typing import Final

from tests.behaviour.builders import click, entry, paid, step
from tests.generators.records import Written
from tests.simulation.process import Fault

CLICK: Final = click(at=0)
ENTRY: Final = entry(at=500)
PAID: Final = paid(at=1_000)
FROZEN: Final = step("frozen", at=2_000)
UNFROZEN: Final = step("unfrozen", at=3_000)
LATE_CLICK: Final = click(at=100, note="n2")  # takes over the credit of all that follows it

A_WHILE_S: Final = 0.5  # for a batch to be absorbed and published
LONG_S: Final = 30.0  # for a worker that does not answer to be given up, and its lanes to be taken over

REQUEST_LOST: Final = Fault("request lost")
REPLY_LOST: Final = Fault("reply lost")
SLOW: Final = Fault("slow", 2.0)

ORDER_LIFE: Final[tuple[Written, ...]] = (CLICK, PAID, FROZEN, UNFROZEN)

"""What a run has come to, against the truth."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any, Final

from app.draining import drained
from app.reading import reading
from app.redis_store.reader import LaneOverview
from app.settings import Settings
from app.simulator.compare import compare_counters, compare_ledger, compare_results
from app.simulator.truth_file import Truth
from streams.errors import Unavailable
from tests.chaos.watchers import Billing, Committed
from tests.integration.workers import start

QUIET_S: Final = 2.0
SETTLED_S: Final = 900.0


@dataclass
class Verdict:
    """Everything that is not as it should be."""

    notes: int
    identities: int
    lost: list[str]
    duplicated: int
    wrong: dict[str, list[str]] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)

    def examples(self) -> list[str]:
        """Some of everything."""
        named = [f"{name}: {one}" for name, differences in self.wrong.items() for one in differences[:10]]
        return [*(f"lost: {one}" for one in self.lost[:10]), *(f"duplicated: {one}" for one in self.twice[:10]), *named]


async def settle(settings: Settings) -> None:
    """Return when the workers have counted and told all that is in the topics, and no lane has anything left to do."""
    try:
        async with asyncio.timeout(SETTLED_S):
            for _ in range(2):  # what the workers themselves forward is input, too
                await drained(settings)
            before, now = None, await _lanes(settings)
            while now != before or any(lane.restating or lane.outbox for lane in now):
                await asyncio.sleep(QUIET_S)
                before, now = now, await _lanes(settings)
    except TimeoutError as error:
        raise Unavailable(f"the lanes did not come to rest within {SETTLED_S:.0f} s") from error


async def _lanes(settings: Settings) -> list[LaneOverview]:
    async with reading(settings) as reader:
        return await reader.lanes()


async def judge(settings: Settings, truth: Truth, committed: Committed, billing: Billing) -> Verdict:
    """Compare everything that Redcat shows with the truth."""
    await committed.read_to_end()
    notes = (await _printed(settings, "counters"))["notes"]
    audit = await _printed(settings, "audit", "--no-results")  # those are compared with the truth itself
    wrong = {
        "counters": compare_counters(truth, notes),
        "ledger": compare_ledger(truth, audit),
        "audit": [*map(str, audit["problems"]), *_unchecked(audit)],
        "billing": compare_bills(truth, await billing.statement()),
    }
    latest = committed.latest()
    return Verdict(
        notes=len(notes),
        identities=len(latest),
        lost=compare_results(truth, latest),
        duplicated=committed.twice + committed.older,
        wrong=wrong,
        twice=committed.examples,
    )


def _unchecked(audit: dict[str, Any]) -> list[str]:
    return [f"unchecked: {one}" for one in audit["unchecked"] if one["check"] != "results"]


async def _printed(settings: Settings, *command: str) -> dict[str, Any]:
    """What a command prints with --json; what it finds is in there, whatever its exit status."""
    process = await start(settings, *command, "--json", stdout=asyncio.subprocess.PIPE)
    printed, complaints = await process.communicate()
    try:
        found: dict[str, Any] = json.loads(printed)
    except ValueError as error:
        raise Unavailable(f"`redcat {command[0]}` prints nothing: {complaints.decode()[-2_000:]}") from error
    return found


def compare_bills(truth: Truth, bills: dict[str, dict[str, dict[str, int]]]) -> list[str]:
    """Differences of a statement of the example that bills: money and orders by note."""
    differences = []
    for note in sorted({*truth.notes, *bills}):
        right, billed = truth.notes.get(note, {}), bills.get(note, {})
        orders = sum(of.get("orders", 0) for of in billed.values())
        if orders != right.get("orders", 0):
            differences.append(f"note {note}: {orders} orders billed, should be {right.get('orders', 0)}")
        for name in ("gross_minor", "refunded_minor"):
            shown = {currency: of[name] for currency, of in billed.items() if of.get(name)}
            if shown != right.get(name, {}):
                differences.append(f"note {note}: {name} billed {shown}, should be {right.get(name, {})}")
    return differences

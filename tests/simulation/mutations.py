"""The safeguards of the lane protocol, each with the smallest change of the code that takes it away."""
# ruff: noqa: E501  # what stands in the code is quoted in one piece

from typing import Final, NamedTuple


class Change(NamedTuple):
    """Some text of a file, found there exactly once, and what stands there instead."""

    file: str
    old: str
    new: str


LANE, OWNER, OUTBOX = "streams/lane.py", "streams/owner.py", "streams/outbox.py"
TAKEOVER, REPLAYING = "streams/takeover.py", "streams/replaying.py"
POLICIES, RESTATING, DIGEST = "streams/lane_policies.py", "streams/restating.py", "streams/digest.py"
STORE, ARRIVALS = "app/memory_store.py", "streams/arrivals.py"
PUBLISHER, STANDING = "tests/simulation/publisher.py", "tests/simulation/standing.py"

_CONFIRM = "        await around.feed.confirm(self.number)\n"
_ACQUIRE = "        state = await around.store.acquire(self.number, secrets.token_hex(8))\n"
_OPEN = "        producer = await around.publisher.open(self.number)\n"
_DECIDE = "            step = decide(state, await around.publisher.read_marker(self.number))\n"
_READ = "        marker = await around.publisher.read_marker(self.number)\n"
_DECIDE_THEN = Change(LANE, _DECIDE, "            step = decide(state, marker)\n")
_OUTBOX = "            outbox = Outbox(producer, step.pending, step.trim, most_records=around.most_records)\n"
_NO_LANE = 'self._held.lanes.get(lane, Lane(Tip("", 0), {}, {}))'
_TAKE_OVER_IF = "if self.restating or marker.restating or unseen or self._concerned(news):"

MUTATIONS: Final[dict[str, list[Change]]] = {
    # -- the tip
    "tip without nonce": [Change(STORE, "held.tip != tip:", "held.tip.sequence != tip.sequence:")],
    "tip without sequence": [Change(STORE, "held.tip != tip:", "held.tip.nonce != tip.nonce:")],
    "nonce always the same": [Change(LANE, "secrets.token_hex(8)", '"owner"')],
    "load without tip check": [Change(STORE, "        self._at(lane, tip)\n        now_ms", "        now_ms")],
    "commit without tip check": [
        Change(STORE, "held = self._at(lane, tip)\n        fields", f"held = {_NO_LANE}\n        fields")
    ],
    "trim without tip check": [
        Change(STORE, "held = self._at(lane, tip)\n        if pub", f"held = {_NO_LANE}\n        tip = held.tip\n        if pub")
    ],
    "trim by sequence": [
        Change(STORE, "if commit.trim in outbox:", "if commit.trim is not None:"),
        Change(STORE, "if published in held.outbox:", "if True:"),
    ],
    "rolled back without tip check": [
        Change(STORE, "held = self._at(lane, tip)\n        new_tip", f"held = {_NO_LANE}\n        new_tip")
    ],
    "probe without tip check": [
        Change(STORE, 'tip."""\n        self._at(lane, tip)\n\n    async def release', 'tip."""\n\n    async def release')
    ],
    "no probe when idle": [
        Change(LANE, "        else:\n            await self._around.store.probe(self.number, owner.tip)\n", "")
    ],
    "no probe during a replay": [
        Change(LANE, "                await self._around.store.probe(self.number, owner.tip)\n", "                pass\n")
    ],
    "rolled back leaves the tip": [
        Change(LANE, "max(marker.sequence, state.tip.sequence + 1)", "max(marker.sequence, state.tip.sequence)")
    ],
    "rolled back forgets the marker's sequence": [
        Change(LANE, "max(marker.sequence, state.tip.sequence + 1)", "state.tip.sequence + 1")
    ],
    "rolled back forgets its own sequence": [
        Change(LANE, "max(marker.sequence, state.tip.sequence + 1)", "marker.sequence"),
        Change(STORE, "Tip(tip.nonce, max(tip.sequence, sequence))", "Tip(tip.nonce, sequence)"),
    ],
    "rolled back leaves the outbox": [
        Change(STORE, "Lane(new_tip, held.fields | told, {}, held.words)", "Lane(new_tip, held.fields | told, held.outbox, held.words)")
    ],
    # -- take-over
    "no heartbeat before acquiring": [Change(LANE, _CONFIRM, "")],
    "heartbeat after acquiring": [Change(LANE, _CONFIRM + _ACQUIRE, _ACQUIRE + _CONFIRM)],
    "producer opened before acquiring": [Change(LANE, _ACQUIRE + _OPEN, _OPEN + _ACQUIRE)],
    "marker read before acquiring": [Change(LANE, _ACQUIRE + _OPEN, _OPEN + _READ + _ACQUIRE), _DECIDE_THEN],
    "marker read before opening the producer": [
        Change(LANE, _ACQUIRE + _OPEN, _ACQUIRE + _READ + _OPEN), _DECIDE_THEN
    ],
    "producer kept": [
        Change(LANE, _OPEN, '        producer = self.__dict__.get("kept") or await around.publisher.open(self.number)\n        self.__dict__["kept"] = producer\n'),
        Change(LANE, "await producer.close()", "pass"),
        Change(PUBLISHER, "if self._spent:", "if False:"),
    ],
    "owner kept": [
        Change(LANE, "owner = Owner(self.number, around, state)", 'owner = self.__dict__.setdefault("kept", Owner(self.number, around, state))\n            owner.tip = state.tip')
    ],
    "outbox not read again": [
        Change(LANE, _OUTBOX, _OUTBOX.replace("step.pending", 'self.__dict__.get("kept") or step.pending') + '            self.__dict__["kept"] = outbox._entries\n')
    ],
    "outbox left unpublished": [Change(TAKEOVER, "GoOn(state.outbox[index + 1 :], marker.tip)", "GoOn([], marker.tip)")],
    "outbox published whole": [Change(TAKEOVER, "state.outbox[index + 1 :]", "state.outbox")],
    "queued batches kept": [
        Change(LANE, "            if isinstance(item, Batch):\n                self._around.feed.release(item)\n\n", "            if isinstance(item, Batch):\n                loop.call_later(pause_s + 0.5, self._mailbox.put_nowait, item)\n\n")
    ],
    # -- deciding
    "never a replay": [Change(TAKEOVER, "return _replay(state, marker)", "return GoOn(state.outbox, None)")],
    "published tip without nonce": [
        Change(TAKEOVER, "if marker.tip == state.published:", "if state.published and marker.tip.sequence == state.published.sequence:")
    ],
    "entries compared without nonce": [
        Change(TAKEOVER, "entry.marker.tip == marker.tip:", "entry.marker.tip.sequence == marker.tip.sequence:")
    ],
    "no marker is no reason to stop": [
        Change(TAKEOVER, "        if state.published is None:\n            return GoOn(state.outbox, None)\n", "        return GoOn(state.outbox, None)\n")
    ],
    "an older marker is no reason to stop": [
        Change(TAKEOVER, "if state.published is not None and marker.tip.sequence < state.published.sequence:", "if False:")
    ],
    # -- publishing
    "marker of the present state": [
        Change(OUTBOX, "await self._producer.publish(chosen)", "await self._producer.publish([*chosen[:-1], chosen[-1]._replace(marker=self._entries[-1].marker)])")
    ],
    "no empty entries": [
        Change(OWNER, "            entry=entry,\n", "            entry=entry if entry is not None and (entry.results or entry.messages) else None,\n"),
        Change(OUTBOX, "        self._entries.append(entry)\n        self._waiting", "        if not (entry.results or entry.messages):\n            return\n        self._entries.append(entry)\n        self._waiting"),
        Change(STANDING, "(marker.positions if marker is not None else {})", '({} if getattr(decide(state, marker), "pending", True) else state.positions)'),
        Change(STANDING, "(_all_in(state, versions) and _all_in(marker, versions))", "_all_in(state, versions)"),
        Change(STANDING, "from tests.generators.policies import Document\n", "from streams.takeover import decide\nfrom tests.generators.policies import Document\n"),
    ],
    "what is left in several transactions": [Change(OUTBOX, "self._together = len(self._entries)", "self._together = 0")],
    # -- the feed
    "seek number not compared": [
        Change(LANE, "            if batch.seek == seek:", "            if True:"),
        Change(LANE, "                if item.seek == seek:", "                if True:"),
    ],
    "position chain not compared": [
        Change(OWNER, "        if any(self.positions.get(", "        if False and any(self.positions.get("),
        Change(REPLAYING, "        if any(self.told.get(", "        if False and any(self.told.get("),
    ],
    # -- silent replay
    "replay without cap": [Change(LANE, "owner.positions, replay.until, owner.last_records)", "owner.positions, None, owner.last_records)")],
    "replay parks nothing": [Change(REPLAYING, "parked=replay.marker.parked)\n    digest", "parked=None)\n    digest")],
    "replay may park anew": [Change(REPLAYING, "if code in PARK_CODES and not is_parked(parked, topic, record):", "if False:")],
    "replay does not know full journeys": [Change(ARRIVALS, "if parked and has_full(parked):", "if False:")],
    "replay never sets the published tip": [Change(REPLAYING, "published=replay.marker.tip if done else None", "published=None")],
    "replay sets the published tip at once": [Change(REPLAYING, "published=replay.marker.tip if done else None", "published=replay.marker.tip")],
    "published tip not set where nothing is to absorb": [Change(LANE, "marker if done else None)", "None)")],
    "published tip set before the replay": [Change(LANE, "marker if done else None)", "marker)")],
    # -- forks
    "a fork is not noticed": [Change(TAKEOVER, "if ahead or here_only or there_only:", "if False:")],
    "a fork of positions is not noticed": [Change(TAKEOVER, "if ahead or here_only or there_only:", "if here_only or there_only:")],
    "a fork of what is parked here is not noticed": [Change(TAKEOVER, "here_only = difference(state.parked, marker.parked, below=marker.positions)", "here_only: Spans = {}")],
    "a fork of what is parked there is not noticed": [Change(TAKEOVER, "there_only = difference(marker.parked, state.parked, below=state.positions)", "there_only: Spans = {}")],
    "of a fork only changes are told": [Change(REPLAYING, "results = await self._results(digest, again)", "results = digest.results")],
    "of a fork nothing that came to full journeys is told": [Change(REPLAYING, "if again.late:", "if False:")],
    "of a fork no messages are told": [Change(REPLAYING, "again.aside, last=NOTHING_READ)", "again.aside, last=NOTHING_READ)._replace(messages=[])")],
    "published tip set before a fork is told": [Change(REPLAYING, "done = replay.fork is None and at_its_end", "done = at_its_end")],
    "published tip set with the first of a fork": [Change(REPLAYING, "published = self._marker.tip if self.done() else None", "published = self._marker.tip")],
    "published tip not set after a fork": [Change(REPLAYING, "published = self._marker.tip if self.done() else None", "published = None")],
    "markers of a fork fall behind": [Change(REPLAYING, "{topic: max(offset, self._marker.positions.get(topic, 0)) for topic, offset in self.told.items()}", "dict(self.told)")],
    # -- policies at run time
    "policies of the marker are not used": [Change(POLICIES, "news = self._new(marker.policies)", "news: list[int] = []")],
    "a marker without policies": [Change(OWNER, "Marker(tip, positions, self.policies.versions,", "Marker(tip, positions, self.policies.versions[:1],")],
    "a marker without restating": [Change(OWNER, "parked, self.policies.restating, last)", 'parked, "", last)')],
    "a commit without restating": [Change(OWNER, "restating=self.policies.restating,", 'restating="",')],
    "a commit without clicks": [Change(OWNER, "            clicks=self.policies.clicks,\n", "")],
    "take-over ignores its own restating": [Change(POLICIES, _TAKE_OVER_IF, _TAKE_OVER_IF.replace("self.restating or ", ""))],
    "take-over ignores the marker's restating": [Change(POLICIES, _TAKE_OVER_IF, _TAKE_OVER_IF.replace("marker.restating or ", ""))],
    "take-over ignores policies that readers have not seen": [Change(POLICIES, _TAKE_OVER_IF, _TAKE_OVER_IF.replace("unseen or ", ""))],
    "take-over ignores what new policies concern": [Change(POLICIES, _TAKE_OVER_IF, _TAKE_OVER_IF.replace(" or self._concerned(news)", ""))],
    "take-over restates changes only": [Change(POLICIES, 'self.restating = "all"', 'self.restating = "changes"')],
    "everything is not told again": [Change(RESTATING, 'everything = owner.policies.restating == "all"', "everything = False")],
    "journeys forget their policies in a batch": [Change(DIGEST, "before = outcomes(journey, self.policies[known - 1])\n        absorbed", "before = outcomes(journey, self.policies[-1])\n        absorbed")],
    "journeys forget their policies in a restatement": [Change(DIGEST, "before, after = outcomes(journey, self.policies[known - 1])", "before, after = outcomes(journey, self.policies[-1])")],
    "restating forgotten after the first page": [Change(RESTATING, "if self._cursor == 0 and not self._failed:", "if not self._failed:")],
    "restating forgotten although some failed": [Change(RESTATING, "        self._failed += digest.failed\n", "")],
    "restating goes on where it was when policies enter": [Change(RESTATING, "        policies.enter(versions)\n        self._cursor = 0\n", "        policies.enter(versions)\n")],
    "new policies never restate": [Change(POLICIES, "if self._concerned(versions):", "if False:")],
    "the earliest policy is not thought of": [Change(POLICIES, "policy.effective_from_ms <= max(latest_click_ms, earliest)", "policy.effective_from_ms <= latest_click_ms")],
    "a lane's end of restating is not marked as published": [Change(LANE, "elif unsaid and replay.fork is None:", "elif False:")],
    "published tip set before the policies": [Change(LANE, "replay.fork is None and not unsaid", "replay.fork is None")],
}  # fmt: skip

TOGETHER: Final = (
    ("seek number not compared", "position chain not compared"),
    ("trim without tip check", "trim by sequence"),
    ("marker read before acquiring", "an older marker is no reason to stop"),
)
"""Safeguards that back each other up: only without both is something lost."""

SURVIVES_ALONE: Final = {
    "trim without tip check": "trim by tip",
    "trim by sequence": "the tip check of the trim",
    "seek number not compared": "the position chain",
    "position chain not compared": "the seek number",
    "queued batches kept": "the seek number and the position chain",
    "producer opened before acquiring": "nothing is lost: both come before the marker is read",
    "marker read before acquiring": "a marker that is older than the store knows of stops the lane",
    "no probe during a replay": "the tip check of the next load or commit: a replay tells nothing",
    "published tip without nonce": "no number that was ever published is used again",
    "published tip not set where nothing is to absorb": "what comes next is told by the next owner as a fork",
    "published tip not set after a fork": "until the stretch is published, the next owner finds the same fork",
    "markers of a fork fall behind": "one transaction for all that a fork left",
    "policies of the marker are not used": "the same policies enter anew and restate",
    "take-over ignores its own restating": "readers have seen its end, or the marker or unseen policies say the same",
}
"""Safeguards without which stories and schedules still pass, and what stands in for each."""

"""A commit as two requests: one that looks whether anything can fail, and one atomic step that writes.

MULTI does not roll back, so all that could fail in it is looked at first, and WATCH makes the step void if the lane
changes meanwhile.  What is left cannot fail half-way: counters are whole numbers that take the change, hashes are
hashes, and a server that is full, read-only or without a command refuses the step as a whole.  A script would need one
round trip less but twice the server's time, because every argument is copied into Lua and back.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import hiredis

from app.redis_store.forms import pack_entry, pack_moments, pack_state, pack_tip, unpack_tip
from app.redis_store.increments import CounterChanges, KnownNotes
from app.redis_store.keys import MANY_NOTES, LaneKeys, lifetime, pack_tokens
from app.redis_store.link import Reply, failure, require
from app.redis_store.order_index import OrderChanges
from app.redis_store.resp import END, Request, argument, command, length_head
from app.redis_store.series import SeriesChanges
from app.redis_store.settling import Settled, Settling
from streams.commits import Commit
from streams.errors import LaneStopped, Refused
from streams.records import Tip

UNWATCH: Final = command("UNWATCH")
"""To be sent when a commit was given up after its first request."""

MULTI: Final = command("MULTI")
EXEC: Final = command("EXEC")
LARGE: Final = 65_536  # bytes of an entry; copying less is cheaper than sending it by itself


@dataclass
class Known:
    """What an owner remembers of its lane; true as long as it stands at the owner's tip."""

    words: int = 0  # how many there are
    notes: KnownNotes = field(default_factory=dict)
    settled: Settled = field(default_factory=Settled)


class Void(Refused):
    """Nothing was written, because something that was looked at changed before."""


class Seen(NamedTuple):
    """What the server showed before the commit."""

    outbox: list[bytes]  # tips of its entries
    fields: list[int]  # what `CounterChanges.judge` returned
    rows: list[list[bytes]]  # what `SeriesChanges.judge` returned


class Change:
    """One commit on its way to the server."""

    def __init__(self, keys: LaneKeys, tip: Tip, commit: Commit, known: Known) -> None:
        self._keys = keys
        self._tip = tip
        self._commit = commit
        self._known = known
        self._counters = CounterChanges(keys, commit.increments, known.notes)
        self._series = SeriesChanges(keys, commit.fold or {})
        self._settling = Settling(keys, known.settled, commit.minutes_until)
        self._orders = OrderChanges(keys.shard, commit.orders)

    def look(self) -> Request:
        """The request that shows whether anything can fail."""
        requests = [*self._keys.look, *self._counters.look(), *self._series.look()]
        requests += [*self._settling.look(), *self._orders.look()]
        return Request([b"".join(requests)], len(requests))

    def judge(self, replies: list[Reply]) -> Seen:
        """What the look has shown; raises Refused or LaneStopped when the commit must not be."""
        keys, reply = self._keys, iter(replies)
        require(next(reply), keys.tip)
        stands_at = require(next(reply), keys.tip)
        if stands_at != pack_tip(self._tip):
            raise Refused(f"{keys.tip.decode()} stands at {stands_at!r}, not at {self._tip}")
        require(next(reply), keys.state)
        outbox = require(next(reply), keys.outbox)
        words = require(next(reply), keys.words)
        require(next(reply), keys.recent)
        require(next(reply), keys.changed)
        if words != self._known.words:
            raise LaneStopped(f"{keys.words.decode()} holds {words} words, its owner knows {self._known.words}")
        seen = Seen(outbox, self._counters.judge(reply), self._series.judge(reply))
        self._settling.judge(reply)
        self._orders.judge(reply)
        return seen

    def write(self, seen: Seen, *, msetex: bool) -> Request:
        """The request that applies the commit in one atomic step."""
        pieces = [MULTI]
        replies = 2 + self._write_journeys(pieces, msetex=msetex)
        replies += self._counters.write(pieces, seen.fields)
        replies += self._series.write(pieces, seen.rows)
        replies += self._settling.write(pieces, self._series.changed(self._settling.key))
        if self._commit.fold is not None:
            pieces.append(command("DEL", self._keys.recent))
            pieces.append(command("HSET", self._keys.state, "folded", pack_tip(self._new_tip)))
            replies += 2
        elif self._commit.increments.moments:
            pieces.append(command("RPUSH", self._keys.recent, pack_moments(self._commit.increments.moments)))
            replies += 1
        if notes := self._commit.increments.cells:
            tell = self._keys.tell_few_changed if len(notes) < MANY_NOTES else self._keys.tell_many_changed
            pieces += (tell, argument(" ".join(notes)), END)
            replies += 1
        replies += self._write_state(pieces, seen)
        # What orders may need is a script, and that comes last: what a transaction writes after a script is lost while
        # Valkey (seen: 9.1.2) moves a slot at once.
        last: list[bytes] = []
        replies += self._orders.write(pieces, last)
        last.append(EXEC)
        return Request(self._with_entry(pieces, last), replies + (self._commit.entry is not None))

    def confirm(self, replies: list[Reply]) -> Tip:
        """The new tip if the commit took place; raises if it did not."""
        done = replies[-1]
        if done is None:
            raise Void(f"{self._keys.tip.decode()} or an order changed while a commit was on its way")
        if isinstance(done, hiredis.ReplyError):
            errors = (reply for reply in replies if isinstance(reply, hiredis.ReplyError))
            raise failure(next(errors), "the commit was refused")
        for reply in done:
            if isinstance(reply, hiredis.ReplyError):
                raise LaneStopped(f"somebody else wrote to the keys of a commit while it was on its way: {reply}")
        self._counters.remember()
        self._settling.remember()
        self._known.words += len(self._commit.words)
        return self._new_tip

    @property
    def _new_tip(self) -> Tip:
        return Tip(self._tip.nonce, self._tip.sequence + 1)

    def _with_entry(self, pieces: list[bytes], last: list[bytes]) -> list[bytes]:
        """All parts of the request; the outbox entry, if there is one, stands before the `last` pieces."""
        if self._commit.entry is None:
            return [b"".join((*pieces, *last))]
        entry = pack_entry(self._commit.entry)
        name = pack_tip(self._commit.entry.marker.tip)
        pieces += (self._keys.put_entry, argument(name), length_head(len(entry)))
        if len(entry) < LARGE:
            return [b"".join((*pieces, entry, END, *last))]
        return [b"".join(pieces), entry, b"".join((END, *last))]

    def _write_journeys(self, pieces: list[bytes], *, msetex: bool) -> int:
        replies, shard = 0, self._keys.shard
        for ttl_ms, tokens, values in self._commit.journeys:
            packed = pack_tokens(tokens)
            if not tokens:
                continue
            if msetex:
                words = 2 * len(tokens) + (2 if ttl_ms is None else 4)
                head = b"*%d\r\n$6\r\nMSETEX%b" % (words, argument(len(tokens)))
                pieces += (head, shard.journey_pairs(packed, values), lifetime(ttl_ms), END)
                replies += 1
            else:
                pieces.append(shard.journey_sets(packed, values, ttl_ms))
                replies += len(tokens)
        return replies

    def _write_state(self, pieces: list[bytes], seen: Seen) -> int:
        keys, commit, replies = self._keys, self._commit, 2
        published = commit.published
        if gone := self._trimmed(seen):
            pieces.append(command("HDEL", keys.outbox, *gone))
            published = published or commit.trim
            replies += 1
        if commit.words:
            pieces.append(command("RPUSH", keys.words, *commit.words))
            replies += 1
        state = argument(pack_state(commit, self._known.words + len(commit.words)))
        if published is None:
            pieces += (b"*6", keys.put_state, state, END)
        else:
            pieces += (b"*8", keys.put_state, state, argument("published"), argument(pack_tip(published)), END)
        pieces += (keys.put_tip, argument(pack_tip(self._new_tip)), END)
        return replies

    def _trimmed(self, seen: Seen) -> list[bytes]:
        """The tips of the entries that leave the outbox."""
        trim = self._commit.trim
        if trim is None or pack_tip(trim) not in seen.outbox:
            return []
        return [tip for tip in seen.outbox if unpack_tip(tip, self._keys.outbox).sequence <= trim.sequence]

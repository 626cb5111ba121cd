"""The consumer group in memory: who has which partition numbers, in which generation."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from streams.assignor import Claim, share_out


class Share(NamedTuple):
    """What a member is told."""

    generation: int  # 0: it is no member any more
    numbers: frozenset[int]  # of partitions, of all topics that it reads


class Group:
    """The group's coordinator.  Members are told of a new generation, and may hear of it late."""

    def __init__(self, partitions: int) -> None:
        self.generation = 0
        self.shares: dict[str, frozenset[int]] = {}
        self._partitions = partitions
        self._members: dict[str, Callable[[Share], None]] = {}
        self._lost_in: dict[tuple[str, int], int] = {}
        """In which generation a member lost a partition number the last time."""

    def join(self, name: str, told: Callable[[Share], None]) -> None:
        """A new member, or one that begins anew."""
        self._members[name] = told
        self._share_out()

    def leave(self, name: str) -> None:
        """A member says goodbye."""
        if self._members.pop(name, None) is not None:
            for number in self.shares.pop(name, ()):
                self._lost_in[name, number] = self.generation + 1
            self._share_out()

    def expire(self, name: str) -> None:
        """A member was not heard of for too long; it will be told when it asks the next time."""
        told = self._members.get(name)
        self.leave(name)
        if told is not None:
            told(Share(0, frozenset()))

    def accepts(self, name: str, generation: int) -> bool:
        """Whether a heartbeat is one of a member in the present generation."""
        return name in self._members and generation == self.generation

    def another_has(self, number: int, name: str, since: int) -> bool:
        """Whether a partition number has been another member's all the time since a generation."""
        return (
            number not in self.shares.get(name, ())
            and any(number in share for share in self.shares.values())
            and self._lost_in.get((name, number), 0) <= since
        )

    def assign(self, shares: Mapping[str, frozenset[int]]) -> None:
        """A new generation with these shares."""
        self.generation += 1
        for name, numbers in self.shares.items():
            for number in numbers - shares.get(name, frozenset()):
                self._lost_in[name, number] = self.generation
        self.shares = dict(shares)
        for name, told in list(self._members.items()):
            told(Share(self.generation, self.shares.get(name, frozenset())))

    def swap(self) -> None:
        """A new generation in which every member has the partitions of another one."""
        names = sorted(self._members)
        if names:
            shares = [self.shares.get(name, frozenset[int]()) for name in names]
            self.assign(dict(zip(names, shares[1:] + shares[:1], strict=True)))

    def _share_out(self) -> None:
        if not self._members:
            self.shares = {}
            return
        claims = {name: Claim(sorted(self.shares.get(name, ())), self.generation) for name in self._members}
        shares = share_out(claims, self._partitions)
        self.assign({name: frozenset(numbers) for name, numbers in shares.items()})

"""The published results against what the journeys that are held give."""

from collections.abc import Collection, Iterator
from hashlib import blake2b
from typing import Final, NamedTuple

import msgspec

from app.auditing.problems import MOST, Problems
from app.auditing.recount import Counted
from app.results_reader import Results, result_of
from streams.codec import encode_result
from streams.core.results import Result
from streams.core.results import result_of as result_from

VOID: Final = b"void"
DIGEST_BYTES: Final = 16


class Wrong(NamedTuple):
    """A result that was published otherwise than the journey has it."""

    identity: str  # "TOKEN RESULT_ID"
    expected: Result


class ResultCheck:
    """Takes journeys, and compares the results of each with the latest published ones of its lane."""

    def __init__(self, published: Results[bytes], cut: Collection[int] = ()) -> None:
        """`published` keeps `digest_of` of each; of the lanes that are `cut` the first ones are not there any more."""
        self.compared = 0
        self.gone = 0  # that are perhaps among those
        self.problems = Problems()
        self.wrong: list[Wrong] = []  # the first ones; `name_differences` says what differs
        self.lanes: set[int] = set()  # in which results are missing or differ
        self.differing = 0
        self._published = published.latest  # what is found is taken out
        self._cut = cut

    def take(self, counted: Counted) -> None:
        """Compare the results of a journey."""
        for expected in results_of(counted):
            self.compared += 1
            identity = f"{expected.token} {expected.result_id}"
            found = self._published.pop(identity, None)
            if found is None and counted.lane in self._cut:
                self.gone += 1
            elif found is None:
                self.lanes.add(counted.lane)
                self.problems.add("result_missing", token=expected.token, result=expected.result_id)
            elif found != _digest(expected):
                self.differing += 1
                self.lanes.add(counted.lane)
                if len(self.wrong) < MOST:
                    self.wrong.append(Wrong(identity, expected))

    def find_strays(self, problems: Problems) -> None:
        """Add what no journey gives and is not void: no problem where journeys expired or were forgotten."""
        for identity, found in self._published.items():
            if found != VOID:
                token, _, result_id = identity.partition(" ")
                problems.add("result_stray", token=token, result=result_id)

    def name_differences(self, published: Results[Result | None]) -> None:
        """Say what differs in the `wrong` results; `published` keeps them, read once more."""
        for identity, expected in self.wrong:
            found = published.latest.get(identity)
            fields = "; ".join(_differences(found, expected)) if found else "-"
            self.problems.add("result_differs", token=expected.token, result=expected.result_id, fields=fields)
        for _ in range(self.differing - len(self.wrong)):
            self.problems.add("result_differs")  # more than are kept


def results_of(counted: Counted) -> Iterator[Result]:
    """What a journey gives, as it would be published, but for the revision."""
    for result_id, outcome in counted.outcomes.results.items():
        yield result_from(counted.token, result_id, outcome, 0)


def digest_of(value: bytes) -> bytes:
    """What is remembered of a published record."""
    result = result_of(value)
    return VOID if result.outcome == "void" else _digest(result)


def only(identities: Collection[str], value: bytes) -> Result | None:
    """What is remembered of a published record when only a few are wanted."""
    result = result_of(value)
    return result if f"{result.token} {result.result_id}" in identities else None


def _digest(result: Result) -> bytes:
    return blake2b(encode_result(msgspec.structs.replace(result, revision=0)), digest_size=DIGEST_BYTES).digest()


def _differences(found: Result, expected: Result) -> Iterator[str]:
    for name in Result.__struct_fields__:
        stands, should = getattr(found, name), getattr(expected, name)
        if name != "revision" and stands != should:
            yield f"{name} {_shown(stands)} != {_shown(should)}"


def _shown(value: object) -> str:
    return "null" if value is None else str(value)

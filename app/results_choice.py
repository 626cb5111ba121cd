"""Which results somebody wants to see."""

from typing import NamedTuple

from streams.core.policy import Stage
from streams.core.results import Published, Result


class Choice(NamedTuple):
    """Which results are wanted; None: any."""

    token: str | None
    note: str | None
    kind: Stage | None
    outcome: Published | None

    def has(self, result: Result) -> bool:
        """Whether a result is wanted; a refused one belongs to the note of its nearest click."""
        return self.of_note(result) and self.of_any_note(result)

    def of_note(self, result: Result) -> bool:
        return self.note in {None, result.note_id, result.nearest_note_id}

    def of_any_note(self, result: Result) -> bool:
        """Whether a result would be wanted if it were of the note."""
        wanted = (self.token, self.kind, self.outcome)
        return all(
            one in {None, has} for one, has in zip(wanted, (result.token, result.kind, result.outcome), strict=True)
        )


class Followed:
    """Which results are wanted as they come: those of the choice, and those that have just left its note."""

    def __init__(self, choice: Choice) -> None:
        self.choice = choice
        self._of_note: set[tuple[str, str]] = set()

    def has(self, result: Result) -> bool:
        """Whether the next record is wanted."""
        if self.choice.note is None:
            return self.choice.has(result)
        identity = result.token, result.result_id
        leaves = identity in self._of_note
        if self.choice.of_note(result):
            self._of_note.add(identity)
        else:
            self._of_note.discard(identity)
        return (leaves or self.choice.of_note(result)) and self.choice.of_any_note(result)

"""Commands try again for as long as they have patience, and then say what was the matter."""

import asyncio

import pytest

from app.connections import until_answered
from streams.errors import Misconfigured, Unavailable


async def test_what_answers_in_time_is_returned() -> None:
    answers = iter(["starting", "ready"])

    async def attempt() -> str:
        if (answer := next(answers)) == "starting":
            raise Unavailable(answer)
        return answer

    assert await until_answered(attempt, server="Kafka", patience_s=5) == "ready"


async def test_what_never_answers_is_given_up() -> None:
    with pytest.raises(Unavailable, match=r"Kafka did not answer for 0\.05 s: no answer at all"):
        await until_answered(asyncio.Event().wait, server="Kafka", patience_s=0.05)


async def test_what_a_person_must_change_is_not_tried_again() -> None:
    async def attempt() -> None:
        raise Misconfigured("wrong")

    with pytest.raises(Misconfigured, match="wrong"):
        await until_answered(attempt, server="Kafka", patience_s=5)

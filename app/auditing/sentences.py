"""Problems as sentences: what differs, by how much, and where to look.  Pure."""

from typing import Any

from app.auditing.problems import CHECK_OF, Problem
from app.auditing.texts_en import ENGLISH, AuditTexts
from app.dead_letters.view import safe
from app.explaining.times import Zone, zone
from streams.rollups import HOUR_MS


def sentence(problem: Problem, texts: AuditTexts, times: Zone) -> str:
    """A problem in one language; what the store holds cannot upset the terminal."""
    place = {name: safe(value) for name, value in problem.place}
    if "row" in place:
        key = place["row"]
        place |= {"row": f"{texts.scopes.get(key[:1], '')} {key[1:]}".strip(), "key": key}
    if "hour" in place:
        place["time"] = times.short(int(place["hour"]) * HOUR_MS)
    return texts.sentences[problem.kind].format(
        **place,
        found=f"{problem.found or 0:,}",
        expected=f"{problem.expected or 0:,}",
        difference=(texts.too_many if problem.difference > 0 else texts.too_few).format(
            count=f"{abs(problem.difference):,}"
        ),
    )


def json_of(problem: Problem) -> dict[str, Any]:
    """A problem for programs."""
    numbers = {"found": problem.found, "expected": problem.expected}
    known = {name: number for name, number in numbers.items() if number is not None}
    about = {"check": CHECK_OF[problem.kind], "kind": problem.kind}
    return {**about, **dict(problem.place), **known, "message": sentence(problem, ENGLISH, zone(None))}

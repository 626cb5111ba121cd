"""Parties: who looks, and what of all cells exists for them.  Pure."""

import re
from typing import Final, Literal, NamedTuple, TypeAlias

from streams.core.facts import ID_PATTERN

Kind: TypeAlias = Literal["admin", "xhs", "platform", "merchant"]

FORMS: Final = "admin, xhs, platform:ID or merchant:ID"


class Party(NamedTuple):
    """Who looks; `id` names the platform or merchant."""

    kind: Kind
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind

    @property
    def grouped(self) -> bool:
        """Whether its view mixes several merchants' buyers, so that it is shown in groups of tokens only."""
        return self.kind in ("xhs", "platform")

    def sees(self, platform: str, merchant_id: str) -> bool:
        """Whether what a shop brought exists for this party."""
        if self.kind == "platform":
            return platform == self.id
        return self.kind != "merchant" or merchant_id == self.id


ADMIN: Final = Party("admin")


def parse_party(text: str) -> Party:
    """The party of its text; ValueError says which forms there are."""
    match = re.fullmatch(rf"(admin|xhs)|(platform|merchant):({ID_PATTERN})", text)
    if not match:
        raise ValueError(f"a party is {FORMS}, not {text!r}")
    if match[1]:
        return Party("admin" if match[1] == "admin" else "xhs")
    return Party("platform" if match[2] == "platform" else "merchant", match[3])

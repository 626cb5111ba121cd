"""Who gets which lane: balanced, and lanes stay where they are as far as that allows."""

from collections.abc import Mapping
from typing import NamedTuple


class Claim(NamedTuple):
    """The lanes that a member held last, and the group's generation in which it got them."""

    lanes: list[int]
    generation: int


def share_out(claims: Mapping[str, Claim], lanes: int) -> dict[str, list[int]]:
    """Each of the lanes 0 to `lanes` - 1 to one member; the shares differ by at most one.

    The same claims give the same shares.  Where several members claim a lane, that of the latest generation has it.
    """
    holders = _holders(claims, lanes)
    kept = {member: sorted(lane for lane, holder in holders.items() if holder == member) for member in claims}
    # Who holds most gets the greater share, so that fewer lanes move.
    order = sorted(claims, key=lambda member: (-len(kept[member]), member))
    least, more = divmod(lanes, len(order))
    sizes = {member: least + (place < more) for place, member in enumerate(order)}
    shares = {member: kept[member][: sizes[member]] for member in order}
    free = sorted(set(range(lanes)).difference(*shares.values()), reverse=True)
    for member, share in shares.items():
        while len(share) < sizes[member]:
            share.append(free.pop())
    return {member: sorted(share) for member, share in shares.items()}


def _holders(claims: Mapping[str, Claim], lanes: int) -> dict[int, str]:
    """Who holds each lane that is held."""
    holders: dict[int, str] = {}
    for member, claim in sorted(claims.items(), key=lambda item: (item[1].generation, item[0])):
        holders |= {lane: member for lane in claim.lanes if 0 <= lane < lanes}
    return holders

"""Who gets which partition number, and its lanes: balanced, and they stay where they are as far as that allows."""

from collections.abc import Mapping
from typing import NamedTuple


class Claim(NamedTuple):
    """The partition numbers that a member held last, and the group's generation in which it got them."""

    numbers: list[int]
    generation: int


def share_out(claims: Mapping[str, Claim], partitions: int) -> dict[str, list[int]]:
    """Each of the numbers 0 to `partitions` - 1 to one member; the shares differ by at most one.

    The same claims give the same shares.  Where several members claim a number, that of the latest generation has it.
    """
    holders = _holders(claims, partitions)
    kept = {member: sorted(number for number, holder in holders.items() if holder == member) for member in claims}
    # Who holds most gets the greater share, so that fewer of them move.
    order = sorted(claims, key=lambda member: (-len(kept[member]), member))
    least, more = divmod(partitions, len(order))
    sizes = {member: least + (place < more) for place, member in enumerate(order)}
    shares = {member: kept[member][: sizes[member]] for member in order}
    free = sorted(set(range(partitions)).difference(*shares.values()), reverse=True)
    for member, share in shares.items():
        while len(share) < sizes[member]:
            share.append(free.pop())
    return {member: sorted(share) for member, share in shares.items()}


def _holders(claims: Mapping[str, Claim], partitions: int) -> dict[int, str]:
    """Who holds each number that is held."""
    holders: dict[int, str] = {}
    for member, claim in sorted(claims.items(), key=lambda item: (item[1].generation, item[0])):
        holders |= {number: member for number in claim.numbers if 0 <= number < partitions}
    return holders

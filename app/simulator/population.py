"""The world of a simulation: merchants, notes and links, and how popular each link is."""

import random
from collections.abc import Sequence
from itertools import accumulate

from app.simulator.config import SimulatorConfig
from app.simulator.facts import Link, Shop, make_link

OPEN_CATEGORIES = (
    "fmcg.skincare", "fmcg.makeup.lipstick", "fmcg.snacks", "outdoor.camping", "outdoor.running",
    "health.supplement",
)  # fmt: skip
CLOSED_CATEGORIES = ("auto.parts", "education.course")
LISTED_PLATFORMS = ("taobao", "tmall", "jd", "xhs")
UNLISTED_PLATFORMS = ("pdd", "douyin")
CURRENCIES = ("CNY",) * 38 + ("HKD", "USD")

SLOT_BITS = 18  # a link is drawn by a number of so many bits
_POPULARITY_EXPONENT = 0.95  # Zipf's, of the notes by rank


class Merchant:
    """A seller with shops on one or two platforms, one main category and one currency."""

    def __init__(self, draw: random.Random, campaigns: int) -> None:
        self.merchant_id = str(draw.randrange(10**8, 10**9))
        self.platforms = draw.sample(LISTED_PLATFORMS[:3], 2 if draw.random() < 0.25 else 1)
        self.category = draw.choice(OPEN_CATEGORIES)
        self.campaigns = [f"c{draw.randrange(1, campaigns + 1)}" for _ in range(2)]


class Population:
    """All links of a simulation; `draw` takes one by popularity."""

    def __init__(self, config: SimulatorConfig) -> None:
        self._random = random.Random(f"population {config.world_seed}")
        self._merchants = [Merchant(self._random, config.campaigns) for _ in range(config.merchants)]
        allowed: list[tuple[float, Link]] = []
        refused: list[tuple[float, Link]] = []
        for rank in range(1, config.notes + 1):
            weight = rank**-_POPULARITY_EXPONENT
            self._add_note(weight, allowed, refused)
        slots = 1 << SLOT_BITS
        shares = round(slots * config.mix.refused_link)
        self.slots = _spread(allowed, slots - shares) + _spread(refused, shares)
        ranked: dict[str, Link] = {}
        for _, link in allowed:
            ranked.setdefault(link.note_id, link)
        self.by_rank = list(ranked.values())
        self.by_shop: dict[Shop, list[Link]] = {}
        for _, link in allowed + refused:
            self.by_shop.setdefault(link.shop, []).append(link)

    def link_at(self, slot: int) -> Link:
        """The link of a number of SLOT_BITS bits, drawn evenly."""
        return self.slots[slot]

    def _add_note(self, weight: float, allowed: list[tuple[float, Link]], refused: list[tuple[float, Link]]) -> None:
        draw = self._random
        note_id, creator_id = f"{draw.getrandbits(96):024x}", f"{draw.getrandbits(96):024x}"
        merchant = draw.choice(self._merchants)
        if draw.random() < 0.55:
            allowed.append((weight, self._ad_link(note_id, creator_id, merchant)))
            refused.append((weight, self._refused_ad_link(note_id, creator_id, merchant)))
            return
        in_app = Shop("xhs", merchant.merchant_id)
        category = draw.choice((*OPEN_CATEGORIES, *CLOSED_CATEGORIES))
        allowed.append((weight * 0.6, make_link(
            note_id=note_id, note_kind="ugc", link="note", shop=in_app, category=category, creator_id=creator_id,
        )))  # fmt: skip
        for _ in range(draw.randrange(4)):
            poster = draw.choice(self._merchants)
            allowed.append((weight * 0.15, self._comment_link(note_id, creator_id, Shop("xhs", poster.merchant_id))))
        outside = Shop(merchant.platforms[0], merchant.merchant_id)
        refused.append((weight * 0.3, self._comment_link(note_id, creator_id, outside)))
        refused.append((weight * 0.3, make_link(
            note_id=note_id, note_kind="ugc", link="note", shop=outside, category=merchant.category,
            creator_id=creator_id,
        )))  # fmt: skip

    def _ad_link(self, note_id: str, creator_id: str, merchant: Merchant) -> Link:
        return make_link(
            note_id=note_id, note_kind="ad", link="note",
            shop=Shop(self._random.choice(merchant.platforms), merchant.merchant_id),
            category=merchant.category, campaign_id=self._random.choice(merchant.campaigns), creator_id=creator_id,
        )  # fmt: skip

    def _refused_ad_link(self, note_id: str, creator_id: str, merchant: Merchant) -> Link:
        draw = self._random
        unlisted = draw.random() < 0.5
        return make_link(
            note_id=note_id, note_kind="ad", link="note",
            shop=Shop(draw.choice(UNLISTED_PLATFORMS if unlisted else merchant.platforms), merchant.merchant_id),
            category=merchant.category if unlisted else draw.choice(CLOSED_CATEGORIES),
            campaign_id=draw.choice(merchant.campaigns), creator_id=creator_id,
        )  # fmt: skip

    def _comment_link(self, note_id: str, creator_id: str, shop: Shop) -> Link:
        return make_link(
            note_id=note_id, note_kind="ugc", link="comment", shop=shop,
            category=self._random.choice(OPEN_CATEGORIES), creator_id=creator_id,
            poster_id=f"{self._random.getrandbits(96):024x}",
        )  # fmt: skip


def _spread(weighted: Sequence[tuple[float, Link]], slots: int) -> list[Link]:
    """As many slots for each link as its weight deserves, so that drawing one is a look-up."""
    ends = list(accumulate(weight for weight, _ in weighted))
    spread: list[Link] = []
    for end, (_, link) in zip(ends, weighted, strict=True):
        spread += [link] * (round(slots * end / ends[-1]) - len(spread))
    return spread

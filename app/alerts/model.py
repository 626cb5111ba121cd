"""What goes into the evaluation of alert rules and what comes out of it."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Places: TypeAlias = NDArray[np.intp]
"""Indexes of scopes."""

Mask: TypeAlias = NDArray[np.bool_]

ScopeKind: TypeAlias = Literal["all", "topic", "platform", "category", "link", "campaign", "merchant", "note"]
SCOPE_KINDS: tuple[ScopeKind, ...] = get_args(ScopeKind)

Metric: TypeAlias = Literal[
    "entry_rate", "cart_rate", "order_rate", "refund_rate", "refused_share", "dead_letter_share",
    "clicks", "entries", "orders", "consumed", "lateness_s",
]  # fmt: skip
"""A rate, a share, a volume, or how far behind the shops' facts are."""

Direction: TypeAlias = Literal["drop", "surge"]
Answer: TypeAlias = Literal["ok", "drop", "surge", "insufficient"]


class Scope(NamedTuple):
    """What a signal is about.  The only scope of kind `all` has the id "*"; a link is `note` or `comment`."""

    kind: ScopeKind
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


class Observations(NamedTuple):
    """What changed since the observation before: one place per scope in `scopes` and in every array.

    `counts` holds changes of counters by their names in the counters' contract; beside these `refused` (refused
    entries, actions and orders together, `refused:REASON` for one reason), `gross_minor` and `refunded_minor` (of the
    scope's main currency), and for topics `consumed` and `invalid`.  Names that are absent did not change.
    """

    scopes: Sequence[Scope]
    within: Sequence[tuple[Scope, ...]]  # the larger scopes that a note belongs to; read when the scope is first seen
    counts: Mapping[str, Array]
    late_ms: Array  # how far the newest facts of the scope's shops are behind the clock; 0 where they are not
    behind_ms: float = 0.0  # how far all that is counted is behind the clock


class Verdict(NamedTuple):
    """What a rule says about a scope at one moment.

    `app.alerts.evaluation.evaluate(rules, state, observations, now_ms)` gives the next state and one verdict for each
    rule and scope that is not ok, or was not at the evaluation before.

    `observed` and `expected` are rates for metrics that are rates or shares, else numbers since `since_ms`;
    `relative` is how much of what was to be expected is missing (negative) or too many (positive), `absolute` the same
    in units of `observed`.  `evidence` is the logarithm of a likelihood ratio, to be compared with `needed`.
    """

    rule: str
    scope: Scope
    metric: Metric
    answer: Answer
    observed: float
    expected: float
    sample: float  # how many clicks, orders or facts have had the time to show it
    relative: float
    absolute: float
    evidence: float
    needed: float
    since_ms: int  # since when it is so, as well as can be told
    at_ms: int
    missing_per_hour: float  # entries, orders, ... fewer than expected; negative: more
    missing_low: float  # of an interval that holds with 95 %
    missing_high: float

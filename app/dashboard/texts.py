"""What the dashboard says: one field for each saying, what stands in braces is filled in."""

from collections.abc import Mapping
from typing import NamedTuple


class Texts(NamedTuple):
    """One language."""

    # the frame
    language: str
    other_language: str
    skip: str
    views: str
    nav: Mapping[str, str]
    themes: str
    copy_link: str
    copied: str
    sign_out: str
    party: Mapping[str, str]
    keys_title: str
    keys: Mapping[str, str]
    close: str
    # how fresh the numbers are
    live: str
    behind: str
    away: str
    # what is counted
    counters: Mapping[str, str]
    dimensions: Mapping[str, str]
    scopes: Mapping[str, str]
    denominator: str
    interval: str
    # overview
    overview: str
    today: str
    day_before: str
    day_after: str
    week_ago: str
    against: str
    no_week: str
    this_day: str
    funnel: str
    of_day: str
    all_time: str
    step_rates: Mapping[str, str]
    reads_hint: str
    hours: str
    money: str
    in_app_against: str
    in_app: str
    outside: str
    ads_against: str
    ads: str
    ordinary: str
    share_of_orders: str
    platforms: str
    top_notes: str
    all_notes: str
    firing: str
    nothing_firing: str
    nothing_firing_how: str
    # notes
    notes: str
    search_notes: str
    found: str
    rank: str
    trend: str
    choose_compare: str
    compare: str
    compare_with: str
    compare_how: str
    stop_comparing: str
    difference: str
    points: str
    csv: str
    no_match: str
    no_match_how: str
    # a note, campaign, merchant, platform or category
    series: str
    metrics: str
    basis: str
    bases: Mapping[str, str]
    basis_how: str
    ranges: Mapping[str, str]
    expected: str
    immature: str
    delay: str
    delay_how: str
    no_delay: str
    refused: str
    no_refused: str
    reason: str
    reasons: Mapping[str, str]
    kinds: Mapping[str, str]
    latest: str
    latest_how: str
    latest_grouped: str
    latest_too_many: str
    waiting: str
    outcomes: Mapping[str, str]
    unsettled: Mapping[str, str]
    refunded: str
    parts: str
    share: str
    currency: str
    # explain
    explain: str
    explain_how: str
    explain_label: str
    explain_do: str
    explain_unknown: str
    explain_unknown_how: str
    bad_id: str
    # health
    health: str
    lanes: str
    lane_columns: Mapping[str, str]
    lane_kinds: Mapping[str, str]
    lanes_how: str
    policies: str
    policy_columns: Mapping[str, str]
    policy_states: Mapping[str, str]
    from_the_beginning: str
    ledger: str
    ledger_columns: Mapping[str, str]
    dead_letters: str
    dead_letters_how: str
    no_dead_letters: str
    # where there is nothing, or something amiss
    nothing_yet: str
    nothing_yet_how: str
    no_namespace: str
    no_namespace_how: str
    unknown: str
    unknown_how: str
    unavailable: str
    unavailable_how: str
    too_many_pages: str
    too_many_pages_how: str
    no_page: str
    no_page_how: str
    # signing in
    sign_in: str
    sign_in_how: str
    key: str
    wrong_key: str
    # alerts
    alerts: str
    alert_states: Mapping[str, str]
    acknowledge: str
    acknowledged: str
    silence: str
    silenced: str
    alert_over: str
    recent_alerts: str
    no_alerts: str
    no_alerts_how: str

"""The table of metrics: what each is called and what it says.

A label never names a note, a token, an order or anything else of which there may be any number.
"""

from typing import Final, Literal, NamedTuple, TypeAlias

from app.dead_letters.letters import CODES

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]


class Metric(NamedTuple):
    """One row: its kind, its labels, and what it says."""

    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()  # upper bounds, of a histogram
    known: tuple[str, ...] = ()  # values of the only label that are shown from the beginning, with 0: else Prometheus
    # would not see the first of them as an increase


REASONS: Final = ("assigned", "refused", "unavailable", "stopped")

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

WorkerName: TypeAlias = Literal[
    "redcat_build_info",
    "redcat_ready",
    "redcat_stalled",
    "redcat_lanes",
    "redcat_namespace_lanes",
    "redcat_batches_total",
    "redcat_records_total",
    "redcat_results_total",
    "redcat_dead_letters_total",
    "redcat_forwarded_total",
    "redcat_replayed_records_total",
    "redcat_takeovers_total",
    "redcat_commit_seconds",
    "redcat_transaction_seconds",
    "redcat_lane_state",
    "redcat_lane_position",
    "redcat_lane_lag_records",
    "redcat_lane_event_lag_seconds",
    "redcat_lane_commit_lag_seconds",
    "redcat_lane_outbox_entries",
    "redcat_lane_credit",
    "redcat_lane_restating",
    "redcat_lane_replay_left",
    "redcat_retention_slack_seconds",
    "redcat_bad_records_ratio",
    "redcat_bad_records_limit_ratio",
    "redcat_loop_delay_seconds",
]

WORKER: Final[dict[WorkerName, Metric]] = {
    "redcat_build_info": Metric("gauge", "1; the version that runs is its label", ("version",)),
    "redcat_ready": Metric("gauge", "1 while /ready says yes"),
    "redcat_stalled": Metric("gauge", "1 from the time a stall is found until the process ends itself"),
    "redcat_lanes": Metric("gauge", "Lanes that the group has given to this worker"),
    "redcat_namespace_lanes": Metric("gauge", "Lanes that there are, whoever has them"),
    "redcat_batches_total": Metric("counter", "Batches committed", ("lane",)),
    "redcat_records_total": Metric("counter", "Records committed, bad ones and repeats included", ("topic",)),
    "redcat_results_total": Metric("counter", "Results published"),
    "redcat_dead_letters_total": Metric(
        "counter", "Records set aside as dead letters, by error code", ("code",), known=CODES
    ),
    "redcat_forwarded_total": Metric("counter", "Records found in a partition that is not their key's, and sent on"),
    "redcat_replayed_records_total": Metric("counter", "Records gone through again after the store was rolled back"),
    "redcat_takeovers_total": Metric(
        "counter",
        "Take-overs begun: assigned, or again after refused, unavailable or stopped",
        ("reason",),
        known=REASONS,
    ),
    "redcat_commit_seconds": Metric("histogram", "From sending a commit to Redis to its answer", (), SECONDS),
    "redcat_transaction_seconds": Metric("histogram", "A transaction with results and marker", (), SECONDS),
    "redcat_lane_state": Metric(
        "gauge", "1 for what the lane does: serving, replaying, taking_over or stopped", ("lane", "state")
    ),
    "redcat_lane_position": Metric("gauge", "Offset up to which the lane has committed", ("lane", "topic")),
    "redcat_lane_lag_records": Metric("gauge", "Offsets that wait in Kafka beyond the position", ("lane", "topic")),
    "redcat_lane_event_lag_seconds": Metric(
        "gauge", "Age of the oldest of the topics' last committed records; 0 while none waits", ("lane",)
    ),
    "redcat_lane_commit_lag_seconds": Metric(
        "gauge", "For how long the longest waiting record has been seen to wait in Kafka", ("lane",)
    ),
    "redcat_lane_outbox_entries": Metric("gauge", "Commits whose results wait to be published", ("lane",)),
    "redcat_lane_credit": Metric("gauge", "Batches that may be fetched beside those in hand; 0: busy", ("lane",)),
    "redcat_lane_restating": Metric("gauge", "1 while journeys are brought under new policies", ("lane",)),
    "redcat_lane_replay_left": Metric("gauge", "Offsets that a silent replay still has to go through", ("lane",)),
    "redcat_retention_slack_seconds": Metric("gauge", "Shortest retention_slack of the policies in force"),
    "redcat_bad_records_ratio": Metric("gauge", "Share of bad records among the last ten thousand or so"),
    "redcat_bad_records_limit_ratio": Metric("gauge", "REDCAT_BAD_PERCENT: a greater share than this is an alarm"),
    "redcat_loop_delay_seconds": Metric("gauge", "By how much the event loop was late at its last beat"),
}

ServerName: TypeAlias = Literal[
    "redcat_build_info",
    "redcat_ready",
    "redcat_http_requests_total",
    "redcat_http_request_seconds",
    "redcat_http_streams",
    "redcat_http_stream_events_total",
    "redcat_http_refused_total",
    "redcat_shown_age_seconds",
    "redcat_loop_delay_seconds",
]

SERVER: Final[dict[ServerName, Metric]] = {
    "redcat_build_info": WORKER["redcat_build_info"],
    "redcat_ready": WORKER["redcat_ready"],
    "redcat_http_requests_total": Metric(
        "counter", "Requests answered, by the route's template", ("method", "route", "status")
    ),
    "redcat_http_request_seconds": Metric("histogram", "Time to answer, by the route's template", ("route",), SECONDS),
    "redcat_http_streams": Metric("gauge", "Server-sent event streams that are open"),
    "redcat_http_stream_events_total": Metric("counter", "Events sent on streams"),
    "redcat_http_refused_total": Metric(
        "counter", "Requests refused, by reason", ("reason",), known=("no_key", "wrong_key")
    ),
    "redcat_shown_age_seconds": Metric("gauge", "How old the figures are that are shown"),
    "redcat_loop_delay_seconds": WORKER["redcat_loop_delay_seconds"],
}

AlertsName: TypeAlias = Literal[
    "redcat_build_info",
    "redcat_ready",
    "redcat_alerts_acting",
    "redcat_alerts_evaluations_total",
    "redcat_alerts_evaluation_seconds",
    "redcat_alerts_evaluated_age_seconds",
    "redcat_alerts_scopes",
    "redcat_alerts_live",
    "redcat_alerts_transitions_total",
    "redcat_alerts_messages_waiting",
    "redcat_loop_delay_seconds",
]

ALERTS: Final[dict[AlertsName, Metric]] = {
    "redcat_build_info": WORKER["redcat_build_info"],
    "redcat_ready": WORKER["redcat_ready"],
    "redcat_alerts_acting": Metric("gauge", "1 while this evaluator is the one that acts"),
    "redcat_alerts_evaluations_total": Metric("counter", "Evaluations of the rules"),
    "redcat_alerts_evaluation_seconds": Metric(
        "histogram", "From a look at the counters to its transitions in Kafka", (), SECONDS
    ),
    "redcat_alerts_evaluated_age_seconds": Metric("gauge", "How long the last evaluation is ago"),
    "redcat_alerts_scopes": Metric("gauge", "Notes, campaigns, merchants and so on that are watched"),
    "redcat_alerts_live": Metric(
        "gauge", "Alerts that are pending or firing, as the acting evaluator knows", ("state",)
    ),
    "redcat_alerts_transitions_total": Metric(
        "counter", "Transitions published", ("state",), known=("pending", "firing", "resolved")
    ),
    "redcat_alerts_messages_waiting": Metric("gauge", "Messages that some channel has not taken yet"),
    "redcat_loop_delay_seconds": WORKER["redcat_loop_delay_seconds"],
}

"""Instruments made from the table of metrics, in a registry of their own, and the page that Prometheus reads."""

from collections.abc import Mapping
from typing import Generic, TypeVar

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector

from app.metrics.table import Metric

Name = TypeVar("Name", bound=str)


class Instruments(Generic[Name]):
    """One process's instruments.  Each may be used from any thread."""

    def __init__(self, table: Mapping[Name, Metric]) -> None:
        self.registry = CollectorRegistry()
        self._table = table
        self._counters: dict[Name, Counter] = {}
        self._gauges: dict[Name, Gauge] = {}
        self._histograms: dict[Name, Histogram] = {}
        disable_created_metrics()  # type: ignore[no-untyped-call]  # more lines for what Prometheus knows by itself
        # Of the process: memory, processor time, open files; of Python: its version, garbage collection.
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def counter(self, name: Name) -> Counter:
        """The counter of that row, made when it is first asked for."""
        if name not in self._counters:
            row = self._row(name, "counter")
            self._counters[name] = Counter(name, row.help, row.labels, registry=self.registry)
            for value in row.known:
                self._counters[name].labels(value)
        return self._counters[name]

    def gauge(self, name: Name) -> Gauge:
        """The gauge of that row, made when it is first asked for."""
        if name not in self._gauges:
            row = self._row(name, "gauge")
            self._gauges[name] = Gauge(name, row.help, row.labels, registry=self.registry)
        return self._gauges[name]

    def histogram(self, name: Name) -> Histogram:
        """The histogram of that row, made when it is first asked for."""
        if name not in self._histograms:
            row = self._row(name, "histogram")
            self._histograms[name] = Histogram(name, row.help, row.labels, registry=self.registry, buckets=row.buckets)
        return self._histograms[name]

    def page(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics, and the content type that they are in, chosen by a request's `Accept`."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _row(self, name: Name, kind: str) -> Metric:
        row = self._table[name]
        if row.kind != kind:
            raise ValueError(f"{name} is a {row.kind} in the table")
        return row

"""What the pod counts: cheap numbers on the way of a prediction, exposed when somebody asks.

The prediction path only adds to lists; prometheus-client turns them into its format at a scrape.
Labels are few and fixed (route, class of the code), never something a client sent.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

#: Upper bounds in seconds.
BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class _Series:
    """One histogram of latencies."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0


class Metrics(Collector):
    """The numbers of one process."""

    def __init__(
        self, info: Mapping[str, str], ready: Callable[[], bool], more: Iterable[Collector] = ()
    ) -> None:
        self.in_flight = 0
        self._rows: dict[str, int] = {}
        self._series: dict[tuple[str, int], _Series] = {}
        self._info = dict(info)
        self._ready = ready
        self._registry = CollectorRegistry()
        self._registry.register(self)
        for collector in more:
            self._registry.register(collector)
        ProcessCollector(registry=self._registry)

    def observe(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        key = route, status // 100
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = _Series()
        series.counts[bisect_left(BUCKETS, seconds)] += 1
        series.seconds += seconds

    def count_rows(self, route: str, rows: int) -> None:
        """Count predicted rows."""
        self._rows[route] = self._rows.get(route, 0) + rows

    def exposition(self) -> bytes:
        """All numbers in Prometheus's text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What prometheus-client asks for at a scrape."""
        latency = HistogramMetricFamily(
            "modelyard_request_duration_seconds",
            "Time from the request's headers to its answer.",
            labels=["route", "code"],
        )
        for (route, hundreds), series in self._series.items():
            counts = zip([*map(str, BUCKETS), "+Inf"], accumulate(series.counts), strict=True)
            latency.add_metric([route, f"{hundreds}xx"], list(counts), series.seconds)
        yield latency
        rows = CounterMetricFamily("modelyard_rows", "Rows predicted.", labels=["route"])
        for route, count in self._rows.items():
            rows.add_metric([route], count)
        yield rows
        yield GaugeMetricFamily(
            "modelyard_requests_in_flight", "Requests being answered.", self.in_flight
        )
        yield GaugeMetricFamily(
            "modelyard_ready", "1 while the pod takes predictions.", int(self._ready())
        )
        info = GaugeMetricFamily(
            "modelyard_model_info", "The version that is served.", labels=list(self._info)
        )
        info.add_metric(list(self._info.values()), 1)
        yield info

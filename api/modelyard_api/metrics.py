"""What Prometheus reads on the metrics port."""

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "modelyard_api_requests_total", "Requests answered.", ["method", "route", "status"]
)
SECONDS = Histogram(
    "modelyard_api_request_seconds",
    "Time to the end of the answer.",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
IN_FLIGHT = Gauge("modelyard_api_predictions_in_flight", "Predictions running.")
STREAMS = Gauge("modelyard_api_followed_builds", "Streams of builds that are followed.")
STALE_SECONDS = Gauge(
    "modelyard_api_cache_stale_seconds", "Time for which changes may be missing from the caches."
)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count an answered request."""
    counter, histogram = _children(method, route, status)
    counter.inc()
    histogram.observe(seconds)


# Finding a child by its labels takes a lock and costs more than counting.
@lru_cache(maxsize=1024)
def _children(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, status), SECONDS.labels(route)

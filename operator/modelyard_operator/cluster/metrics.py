"""What Prometheus may see of the operator; served by ``health``."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

RECONCILES = Counter(
    "modelyard_reconciles_total",
    "Reconciles by kind and result (ok, refused, retry, error).",
    ["kind", "result"],
    registry=REGISTRY,
)
RECONCILE_SECONDS = Histogram(
    "modelyard_reconcile_seconds", "Duration of reconciles.", ["kind"], registry=REGISTRY
)
QUEUE_DEPTH = Gauge(
    "modelyard_queue_depth", "Keys that wait for a reconcile.", ["kind"], registry=REGISTRY
)
QUEUE_AGE = Gauge(
    "modelyard_queue_oldest_seconds", "Age of the oldest key.", ["kind"], registry=REGISTRY
)
API_CALLS = Counter(
    "modelyard_api_calls_total",
    "Calls to the API server by method and code.",
    ["method", "code"],
    registry=REGISTRY,
)
API_SECONDS = Histogram(
    "modelyard_api_call_seconds", "Duration of API calls.", ["method"], registry=REGISTRY
)
WRITES = Counter(
    "modelyard_writes_total",
    "Objects written by kind and verb (create, apply, delete, status, event).",
    ["kind", "verb"],
    registry=REGISTRY,
)
BUILDS = Counter(
    "modelyard_builds_total",
    "Ended builds by phase and reason.",
    ["phase", "reason"],
    registry=REGISTRY,
)
BUILD_SECONDS = Histogram(
    "modelyard_build_seconds",
    "Time from a build's Job to its end.",
    ["phase"],
    buckets=(5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120),
    registry=REGISTRY,
)
OBJECTS = Gauge(
    "modelyard_objects", "Objects by kind and phase.", ["kind", "phase"], registry=REGISTRY
)
LEADER = Gauge("modelyard_leader", "1 in the replica that acts.", registry=REGISTRY)
LOOP_LAG = Gauge(
    "modelyard_loop_lag_seconds", "How late the event loop woke last.", registry=REGISTRY
)
WATCH_EVENTS = Counter(
    "modelyard_watch_events_total", "Events that watches brought.", ["kind"], registry=REGISTRY
)
MISSED_CHANGES = Counter(
    "modelyard_missed_changes_total",
    "Changes that a list found and no watch had brought.",
    ["kind"],
    registry=REGISTRY,
)

"""A planner endpoint on loopback: what it is told, what is taken of it, and how it may fail."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from modelyard_crds.build import ENV_PLANNER_KEY, ENV_PLANNER_MODEL, ENV_PLANNER_URL, logs_key
from modelyard_crds.fields import Metric
from modelyard_crds.plan import PlanOverrides
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.plan import Plan, make_plan
from modelyard_runtime.plan.proposed import Ask, ProposalError, plan_with
from modelyard_runtime.training import main, planner
from modelyard_runtime.training.planner import Planner, planner_of
from support.tables import fields, table_of

KEY = "sk-very-secret-1234"
ROWS = "zone,weight,code,kind,grade\n" + "".join(
    f"{'north' if i % 2 else 'south'},{i * 31 % 97 / 7:.3f},Z{i % 9}-{i},"
    f"{'one' if i % 3 else 'two'},{i * 7 % 5}\n"
    for i in range(120)
)
#: Names no column.
VAGUE = "Tell what happens"

Answer = Callable[[BaseHTTPRequestHandler], None]


class Endpoint:
    """A server that answers as it is told to, and remembers what it was asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answer: Answer = said("{}")
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.over = threading.Event()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.asked.append(json.loads(body))
            found.headers.append(dict(self.headers))
            found.paths.append(self.path)
            with contextlib.suppress(OSError):
                found.answer(self)

        do_GET = do_POST

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Endpoint(f"http://127.0.0.1:{server.server_port}/v1")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.over.set()
    server.shutdown()
    server.server_close()
    thread.join()


def sent(
    body: bytes, status: int = 200, length: int | None = None, location: str | None = None
) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        if location is not None:
            handler.send_header("Location", location)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def said(content: str) -> Answer:
    return sent(json.dumps({"choices": [{"message": {"content": content}}]}).encode())


def planned(
    folder: Any,
    endpoint: Endpoint,
    intent: str = VAGUE,
    stated: PlanOverrides | None = None,
    inputs: Any = (),
    said_in_log: list[str] | None = None,
) -> Plan:
    table, stated = table_of(folder, ROWS), stated or PlanOverrides()

    def make(overrides: PlanOverrides, metric: Metric | None) -> Plan:
        return make_plan(intent, table, inputs or None, None, metric, overrides)

    one = Planner(endpoint.url, "small", KEY)
    return plan_with(
        lambda: one.propose(intent, table, stated.exclude or ()),
        make,
        Ask(stated, None, inputs),
        ([] if said_in_log is None else said_in_log).append,
    )


def test_a_good_proposal_is_adopted_and_marked(tmp_path, endpoint):
    endpoint.answer = said(
        'Here:\n```json\n{"targets": ["zone"], "metric": "f1_score", "positiveClass": "south"}\n```'
    )
    plan = planned(tmp_path, endpoint)
    assert (plan.target, plan.goals[0].metric, plan.positive_class) == ("zone", "f1_score", "south")
    assert (plan.proposed_by, plan.confidence) == ("small", 0.5)
    assert plan.summary().proposed_by == "small"
    assert any("proposed as the target by the planner endpoint (small)" in w for w in plan.warnings)
    assert endpoint.paths == ["/v1/chat/completions"]
    assert endpoint.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_it_is_told_names_types_and_few_categories_and_no_row(tmp_path, endpoint):
    endpoint.answer = said('{"targets": ["zone"]}')
    planned(tmp_path, endpoint, stated=PlanOverrides(exclude=["grade"]))
    (asked,) = endpoint.asked
    assert (asked["model"], asked["temperature"]) == ("small", 0)
    assert json.loads(asked["messages"][1]["content"]) == {
        "intent": VAGUE,
        "columns": [
            {"name": "zone", "type": "string", "values": ["south", "north"]},
            {"name": "weight", "type": "float"},
            {"name": "code", "type": "string"},
            {"name": "kind", "type": "string", "values": ["two", "one"]},
        ],
    }


def test_values_of_few_rows_are_not_told(tmp_path):
    content = ROWS.replace(",one,1\n", ",Ms Smith,1\n", 1)
    column = table_of(tmp_path, content).by_name["kind"]
    assert "values" not in planner._told(column)


def test_a_sure_plan_and_a_stated_one_are_not_asked_about(tmp_path, endpoint):
    assert planned(tmp_path, endpoint, "Predict weight").target == "weight"
    assert planned(tmp_path, endpoint, stated=PlanOverrides(targets=["kind"])).target == "kind"
    assert endpoint.asked == []


def test_what_a_person_states_wins_over_a_proposal(tmp_path, endpoint):
    endpoint.answer = said('{"targets": ["grade"], "task": "classification"}')
    plan = planned(tmp_path, endpoint, stated=PlanOverrides(task="regression"))
    assert (plan.target, plan.task, plan.proposed_by) == ("grade", "regression", "small")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (said('{"targets": ["colour"]}'), "'colour', which is no column"),
        (said('{"targets": ["zone"], "task": "regression"}'), "its proposal is not used"),
        (said('{"targets": ["zone"], "metric": "rmse"}'), "its proposal is not used"),
        (said('{"targets": ["zone"], "metric": "best"}'), "something that is no plan"),
        (said('{"targets": "zone"}'), "something that is no plan"),
        (said("{}"), "no target"),
        (said("[1, 2]"), "something that is no plan"),
        (said("zone, I think"), "something that is no plan"),
        (said("{" * 30_000 + "}"), "something that is no plan"),
        (sent(b"<html>"), "no chat completion"),
        (sent(b'{"choices": []}'), "no chat completion"),
        (sent(b"[" * 60_000), "no chat completion"),
        (sent(b'{"choices": [{"message": {"content": null}}]}'), "no text"),
        (sent(b"{}", 500), "status 500"),
        (sent(b"{}", 401), "status 401"),
        (sent(b"", 307, location="/elsewhere"), "status 307"),
        (sent(b"", 302, location="/elsewhere"), "status 302"),
        (sent(b" " * 200_000), "longer than 65536 bytes"),
        (sent(b"{}", length=100), "no chat completion"),
        (lambda handler: handler.connection.close(), "could not be asked"),
    ],
)
def test_anything_else_is_a_warning_and_the_plan_what_it_was(tmp_path, endpoint, answer, words):
    endpoint.answer = answer
    log: list[str] = []
    with pytest.raises(UserError) as caught:
        planned(tmp_path, endpoint, said_in_log=log)
    assert caught.value.reason is Reason.TARGET_NOT_FOUND
    assert "planner" not in caught.value.message
    (line,) = log
    assert line.startswith("The planner endpoint did not help: ")
    assert words in line
    assert KEY not in line
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("given", ["exclude", "inputs"])
def test_an_input_or_an_excluded_column_is_not_taken(tmp_path, endpoint, given):
    endpoint.answer = said('{"targets": ["zone"]}')
    log: list[str] = []
    stated = PlanOverrides(exclude=["zone"]) if given == "exclude" else None
    inputs = fields(zone="string", weight="float") if given == "inputs" else ()
    with pytest.raises(UserError):
        planned(tmp_path, endpoint, stated=stated, inputs=inputs, said_in_log=log)
    assert "it proposed 'zone', which is an input or excluded" in log[0]


def test_one_that_hangs_or_dribbles_is_given_up_in_time(tmp_path, endpoint, monkeypatch):
    def dribble(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not endpoint.over.wait(0.02):
            handler.wfile.write(b" ")
            handler.wfile.flush()

    monkeypatch.setattr(planner, "SECONDS", 0.3)
    table = table_of(tmp_path, ROWS)
    for answer in (dribble, lambda _handler: endpoint.over.wait() and None):
        endpoint.answer = answer
        with pytest.raises(ProposalError, match=r"did not answer within 0.3 s|TimeoutError"):
            Planner(endpoint.url, "small").propose(VAGUE, table)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "file:///etc", "http://", "http://[x"])
def test_an_endpoint_that_is_not_there_is_said(tmp_path, url):
    with pytest.raises(ProposalError, match=r"could not be asked|neither http|did not answer"):
        Planner(url, "small", KEY).propose(VAGUE, table_of(tmp_path, ROWS))


def test_a_plan_that_is_unsure_stays_with_a_warning(tmp_path, endpoint):
    plan = make_plan("Predict weight", table_of(tmp_path, ROWS))
    from dataclasses import replace

    unsure = replace(plan, confidence=0.6)
    log: list[str] = []
    kept = plan_with(
        lambda: Planner(endpoint.url, "small").propose(VAGUE, table_of(tmp_path, ROWS)),
        lambda _stated, _metric: unsure,
        Ask(PlanOverrides(), None, ()),
        log.append,
    )
    assert log == []
    assert kept.warnings == [
        *plan.warnings,
        "The planner endpoint did not help: it proposed no target",
    ]
    assert (kept.target, kept.confidence, kept.proposed_by) == ("weight", 0.6, None)


def test_without_an_address_there_is_no_planner_and_its_key_is_never_shown():
    assert planner_of(None, None, None) is None
    assert planner_of("", "m", KEY) is None
    assert KEY not in repr(planner_of("http://host", "m", KEY))


def test_by_hand_and_in_a_pod_it_proposes_and_its_key_is_in_no_file(
    tmp_path, endpoint, monkeypatch, capfd, pod, build_request, caplog
):
    caplog.set_level("DEBUG")
    endpoint.answer = said('{"targets": ["zone"]}')
    (tmp_path / "rows.csv").write_text(ROWS)
    monkeypatch.setenv(ENV_PLANNER_KEY, KEY)
    monkeypatch.setattr(main, "limit_threads", lambda _cpus: None)
    out = tmp_path / "out"
    code = main.run(
        [
            *("--dataset", str(tmp_path / "rows.csv"), "--intent", VAGUE, "--output", str(out)),
            *("--max-iterations", "1", "--planner-url", endpoint.url, "--planner-model", "small"),
        ]
    )
    assert code == 0
    assert json.loads((out / "manifest.json").read_text())["plan"]["proposedBy"] == "small"
    monkeypatch.delenv(ENV_PLANNER_KEY)
    pod.planner_mount.mkdir()
    (pod.planner_mount / "key").write_text(KEY)
    monkeypatch.setenv(ENV_PLANNER_URL, endpoint.url)
    monkeypatch.setenv(ENV_PLANNER_MODEL, "small")
    endpoint.answer = said('{"targets": ["nothing"]}')
    _, result = pod.run("build", build_request("breast_cancer", "Tell the colour of the sky"))
    assert [headers["Authorization"] for headers in endpoint.headers] == [f"Bearer {KEY}"] * 2
    assert result["reason"] == "TargetNotFound"
    lines = pod.store.get(logs_key("v-uid")).decode()
    assert "The planner endpoint did not help" in lines
    written = [path.read_bytes() for path in out.rglob("*") if path.is_file()]
    shown = "".join(capfd.readouterr()) + caplog.text + lines + json.dumps(result)
    assert KEY not in shown
    assert not any(KEY.encode() in content for content in written)

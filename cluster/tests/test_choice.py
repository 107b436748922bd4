from argparse import Namespace

import pytest

from modelyard_cluster import cli, commands
from modelyard_cluster.errors import UsageError
from modelyard_cluster.paths import state_paths
from modelyard_cluster.providers import Choice, choose
from modelyard_cluster.providers.kind import with_port
from modelyard_cluster.state import Record


def never() -> str:
    raise AssertionError("kind was asked for")


def test_a_given_context_comes_first() -> None:
    choice = choose({"CONTEXT": "prod"}, None, never)
    assert (choice.provider, choice.context) == ("context", "prod")


def test_kind_is_used_where_it_works() -> None:
    assert choose({}, None, lambda: "").provider == "kind"


def test_the_local_build_says_why_it_is_not_kind() -> None:
    choice = choose({}, None, lambda: "no docker or podman daemon answers")
    assert choice.provider == "local"
    assert "no docker or podman" in choice.reason


def test_a_state_keeps_its_provider_without_asking() -> None:
    assert choose({}, Record("demo", "local", 8080), never).provider == "local"


def test_another_provider_for_the_same_name_is_refused() -> None:
    before = Record("demo", "local", 8080)
    with pytest.raises(UsageError, match="is a cluster of local"):
        commands.wanted(state_paths("demo"), before, Choice("context", "", "prod"), None)


def test_another_context_for_the_same_name_is_refused() -> None:
    before = Record("demo", "context", 8080, context="a")
    with pytest.raises(UsageError, match="context a"):
        commands.wanted(state_paths("demo"), before, Choice("context", "", "b"), None)


def test_the_port_is_kept_unless_another_is_given() -> None:
    before = Record("demo", "local", 9000)
    choice = Choice("local", "")
    assert commands.wanted(state_paths("demo"), before, choice, None).port == 9000
    assert commands.wanted(state_paths("demo"), before, choice, 9001).port == 9001
    assert commands.wanted(state_paths("demo"), None, choice, None).port == 8080


def test_the_port_of_kind_cannot_change() -> None:
    before = Record("demo", "kind", 8080)
    with pytest.raises(UsageError, match="fixed"):
        commands.wanted(state_paths("demo"), before, Choice("kind", ""), 9000)


def test_the_committed_kind_configuration_takes_a_port() -> None:
    from modelyard_cluster.providers.kind import CONFIG_FILE

    text = CONFIG_FILE.read_text()
    assert "hostPort: 18080" in with_port(text, 18080)
    with pytest.raises(UsageError):
        with_port("nothing", 1)


def test_an_error_is_two_lines_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["kubeconfig", "--name", "none"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "error: There is no cluster called none.",
        "  Start it with `up` first.",
    ]


def test_every_command_of_the_parser_is_there() -> None:
    named = {"load": "image", "restart": "etcd"}
    for command in commands.COMMANDS:
        arguments = [command, named[command]] if command in named else [command]
        assert isinstance(cli.parser().parse_args(arguments), Namespace)

import msgspec
from typer.testing import CliRunner

from gatewayz.cli.application import build
from gatewayz.cli.routes import list_routes, match


def test_every_route_has_guard_and_handler() -> None:
    for each in list_routes():
        assert each.guard, each.path
        assert ".py:" in each.handler, each.path


def test_a_path_is_traced_to_what_answers_it() -> None:
    (chat,) = match("/v1/chat/completions")
    assert (chat.method, chat.guard) == ("POST", "user")
    models = match("/v1/models/openai/gpt-4o")
    assert [each.method for each in models] == ["GET"]
    assert match("/nothing/at/all") == []


def test_the_command() -> None:
    run = CliRunner().invoke
    app = build(["routes"])
    table = run(app, ["routes"])
    assert table.exit_code == 0
    assert table.stdout.splitlines()[0].split() == ["METHOD", "PATH", "GUARD", "HANDLER"]
    listed = msgspec.json.decode(run(app, ["routes", "/v1/chat/completions", "--json"]).stdout.encode())
    assert [each["path"] for each in listed] == ["/v1/chat/completions"]
    assert run(app, ["routes", "/nothing"]).exit_code == 1

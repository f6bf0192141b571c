"""The clients of the README, run as they are written: only the address and the key are changed."""

import re
from pathlib import Path

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import stub_upstream

README = Path(__file__).parents[2] / "README.md"


def test_the_clients_of_the_readme_are_answered(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    models = sorted(set(re.findall(r'model="([^"]+)"', program)))
    with stub_upstream() as upstream:
        offer = {"stub": {"id": "stub-model", "price": {"input": "1", "output": "2"}}}
        config = {
            "catalog_snapshot": False,
            "providers": {"stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"}},
            "models": {"acme/one": {"offers": offer}},
            "aliases": dict.fromkeys(models, "acme/one"),
        }
        with GatewayProcess(tmp_path, config) as gateway:
            key = gateway.create_user()
            program = program.replace("http://127.0.0.1:8000", gateway.base).replace("gw_live_...", key)
            exec(compile(program, str(README), "exec"), {"__name__": "readme"})
    assert len(models) == 2
    assert len(upstream.seen) == 2

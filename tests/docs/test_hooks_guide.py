"""Every example of docs/plugins/hooks.md is let in as a plugin, configured by its own YAML, and used."""

import hashlib
import hmac
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gatewayz.loader.code import Code, load_code
from gatewayz.loader.lifecycle import decode_entries
from gatewayz.sdk import hookspecs
from gatewayz.sdk.chat import Message, ModelCall, Text
from gatewayz.sdk.errors import AuthenticationFailed, ModelNotFound, PaymentRequired
from gatewayz.sdk.guardrails import GuardedCall, GuardrailBlocked
from gatewayz.sdk.hub import HubQuery
from gatewayz.sdk.interfaces import Charge, Hold, RoutingCall
from gatewayz.sdk.mail import Mail, MailFailed
from gatewayz.sdk.money import Nano
from gatewayz.sdk.observe import Attempt, Settlement
from gatewayz.sdk.offers import Cost, Offer
from gatewayz.sdk.payments import PaymentRefused, WebhookRejected
from gatewayz.sdk.testing import FakeSignals
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import CallContext
from tests.fakes.config_files import ConfigFolder
from tests.fakes.plugin_modules import PluginFolder, context, plugin_folder

GUIDE = Path(__file__).parents[2] / "docs/plugins/hooks.md"
OFFER = Offer(model="acme/one", provider="acme", upstream_model="one", context_length=10)
NOW = datetime(2026, 11, 25, tzinfo=UTC)
Use = Callable[[Any], Awaitable[None]]


def examples() -> dict[str, tuple[str, str]]:
    """Return hook to the module and the configuration below its heading."""
    found = {}
    for section in re.split(r"^## ", GUIDE.read_text(), flags=re.MULTILINE)[1:]:
        hook = section.partition("(")[0]
        if hook.startswith("gatewayz_"):
            (module,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
            (config,) = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
            found[hook] = (module, config)
    return found


async def use_provider(provider: Any) -> None:
    call = ModelCall(model="sentence", messages=(Message(role="user", parts=(Text(text="Is it?"),)),), stream=True)
    completion = await provider.complete(call, CallContext(request_id="r-1"))
    assert completion.choices[0].parts == (Text(text="It depends."),)
    assert [event async for event in provider.stream(call, CallContext(request_id="r-1"))]
    assert [listed.id for listed in await provider.list_models()] == ["sentence"]


async def use_router(router: Any) -> None:
    longer = Offer(model="acme/one", provider="other", upstream_model="one", context_length=20)
    call = RoutingCall(requested_model="one", model="acme/one", prompt_tokens=1)
    assert router.rank(call, (OFFER, longer), FakeSignals()).offers == (longer, OFFER)


async def use_billing(billing: Any) -> None:
    hold = await billing.authorize(1, Nano(250_000_000), "r-1")
    charge = await billing.capture(hold, OFFER, Usage(), Cost(input=Nano(5), output=Nano(0)))
    assert (hold.amount, charge.charged) == (250_000_000, 5)
    with pytest.raises(PaymentRequired):
        await billing.extend(hold, Nano(250_000_001))
    await billing.void(hold)
    await billing.aclose()


async def use_identity(identity: Any) -> None:
    assert (await identity.verify("a token of ada's")).subject == "ada"
    with pytest.raises(AuthenticationFailed):
        await identity.verify("another")


async def use_payments(payments: Any) -> None:
    body = b'{"id": "e-1", "type": "invoice.paid", "payment": 7, "cents": 1250}'
    signature = hmac.new(b"shared with accounting", body, hashlib.sha256).hexdigest()
    event = payments.verify_webhook(body, signature, NOW)
    paid = await payments.read_event(event.body)
    assert (event.id, paid.payment_id, paid.amount) == ("e-1", 7, 1250)
    with pytest.raises(WebhookRejected):
        payments.verify_webhook(body, "0" * 64, NOW)
    with pytest.raises(PaymentRefused):
        await payments.refund("i-1", None, None, "k")


async def use_hub(hub: Any) -> None:
    assert [model.id for model in (await hub.search(HubQuery(text="ONE"))).models] == ["acme/one"]
    assert (await hub.card("acme/one")).startswith("# One")
    with pytest.raises(ModelNotFound):
        await hub.details("acme/two")


async def use_mail(mail: Any) -> None:
    await mail.send(Mail(to="ada@example.com", subject="Hello", text="Hello"))
    with pytest.raises(MailFailed):
        await mail.send(Mail(to="ada@elsewhere.org", subject="Hello", text="Hello"))


async def use_tool(tool: Any) -> None:
    assert (await tool.run(tool.arguments(format="%Y"))).result == {"time": "2026"}


async def use_guardrail(guardrail: Any) -> None:
    call = GuardedCall(request_id="r-1", format="openai_chat", model="acme/one")
    assert await guardrail.check_request(call, ["Hello"]) == ["Hello"]
    with pytest.raises(GuardrailBlocked):
        await guardrail.check_request(call, ["the zeppelin"])


async def use_health(check: Any) -> None:
    assert (await check.probe()).state == "up"


USES: dict[str, Use] = {
    "providers": use_provider,
    "routers": use_router,
    "billing": use_billing,
    "identity": use_identity,
    "payments": use_payments,
    "hub": use_hub,
    "mail": use_mail,
    "tools": use_tool,
    "health": use_health,
    "guardrails": use_guardrail,
}


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginFolder]:
    with plugin_folder(tmp_path, monkeypatch) as folder:
        yield folder


def observe(hook: str, module: ModuleType) -> None:
    attempt = Attempt(request_id="r-1", offer=OFFER, outcome="success", duration_ms=1.0)
    hold = Hold(key="r-1", account=1, amount=Nano(9))
    charge = Charge(hold=hold, offer=OFFER, usage=Usage(), cost=Cost(input=Nano(7), output=Nano(0)), charged=Nano(7))
    settlement = Settlement(
        request_id="r-1",
        operation="openai_chat",
        requested_model="one",
        model="acme/one",
        user_id=1,
        key_id=1,
        charge=charge,
        attempts=(attempt,),
        status=200,
    )
    getattr(module, hook)(attempt if hook == "gatewayz_attempt_finished" else settlement)
    seen = {"gatewayz_attempt_finished": ("ENDED", ("acme", "success"), 1)}
    name, key, count = seen.get(hook, ("EARNED", "acme/one", 7))
    assert getattr(module, name)[key] == count


async def use(code: Code, folder: ConfigFolder) -> None:
    """Build every instance of the configuration, and use it."""
    entries = [entry for entry in decode_entries(folder.load(), code.registry)[0] if entry.implementation.plugin == "mine"]
    assert entries, "the configuration has an instance of the plugin"
    for entry in entries:
        assert not entry.off_reason
        instance = entry.implementation.build(entry.settings, context(entry.section, entry.name))
        await USES[entry.section](instance)


@pytest.mark.parametrize("hook", [name for name in vars(hookspecs) if name.startswith("gatewayz_")])
async def test_the_example_of_every_hook_works(hook: str, plugins: PluginFolder, tmp_path: Path) -> None:
    source, config = examples()[hook]
    module = plugins.add("mine", source)
    folder = ConfigFolder(tmp_path / "etc")
    folder.write(config)
    code = await load_code(folder.load())
    (plugin,) = code.plugins
    assert code.hooks.implemented_by(plugin) == (hook,)
    if hook.startswith("gatewayz_register_"):
        await use(code, folder)
    else:
        observe(hook, sys.modules[module])

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gatewayz.config.sections.providers import Upstream
from gatewayz.loader.mail_fence import FencedMail
from gatewayz.sdk.mail import Mail, MailFailed
from gatewayz.sdk.secret import Secret
from gatewayz.upstream.client import make_client
from gatewayz_plugins.mail.outbox.outbox import Outbox, OutboxSettings
from gatewayz_plugins.mail.resend.sender import ResendSender, ResendSettings
from gatewayz_plugins.mail.smtp.sender import SmtpSender, SmtpSettings
from tests.fakes.mail_server import MailServer, mail_server
from tests.fakes.plugin_modules import context
from tests.fakes.tool_services import ToolServices, tool_services

LETTER = Mail(to="ada@example.com", subject="Für Ada", text="Hällo.\n", html="<p>Hällo.</p>")


@pytest.fixture
def service() -> Iterator[ToolServices]:
    with tool_services() as server:
        yield server


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def resend(service: ToolServices, http: object) -> ResendSender:
    settings = ResendSettings(api_key=Secret("re_1"), sender="Gw <gw@example.com>", base_url=service.url)
    return ResendSender(settings, msgspec.structs.replace(context("mail", "mail"), http=http))


async def test_resend_is_sent_both_forms_and_its_refusals_are_told(service: ToolServices) -> None:
    http = make_client(Upstream())
    try:
        await resend(service, http).send(LETTER)
        [(path, credential, body)] = service.seen
        assert (path, credential) == ("/emails", "Bearer re_1")
        assert body["from"] == "Gw <gw@example.com>" and body["to"] == ["ada@example.com"]
        assert (body["subject"], body["text"], body["html"]) == ("Für Ada", "Hällo.\n", "<p>Hällo.</p>")
        service.status = 422
        with pytest.raises(MailFailed, match="422"):
            await resend(service, http).send(LETTER)
    finally:
        await http.aclose()


def smtp(port: int) -> SmtpSender:
    return SmtpSender(
        SmtpSettings(host="127.0.0.1", port=port, sender="Gw <gw@example.com>", encryption="none"),
        context("mail", "mail"),
    )


async def test_smtp_carries_letters_beyond_ascii(server: MailServer) -> None:
    await smtp(server.port).send(LETTER)
    [taken] = server.taken
    assert (taken["subject"], taken["to"], taken["auto-submitted"]) == ("Für Ada", "ada@example.com", "auto-generated")
    assert [part.get_content().strip() for part in taken.iter_parts()] == ["Hällo.", "<p>Hällo.</p>"]


async def test_a_subject_cannot_add_headers(server: MailServer) -> None:
    evil = msgspec.structs.replace(LETTER, subject="Hi\r\nBcc: all@example.com")
    with pytest.raises(MailFailed):
        await FencedMail(smtp(server.port)).send(evil)
    assert not server.taken


def test_a_password_does_not_go_out_in_the_clear() -> None:
    with pytest.raises(ValueError, match="encryption"):
        SmtpSettings(host="h", sender="s@example.com", encryption="none", password=Secret("x"))


async def test_the_outbox_is_for_its_owner_only(tmp_path: Path) -> None:
    box = Outbox(OutboxSettings(folder=str(tmp_path / "box")), context("mail", "mail"))
    await box.send(LETTER)
    [file] = (tmp_path / "box").iterdir()
    assert msgspec.json.decode(file.read_bytes(), type=Mail) == LETTER
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600 and box.delivers is False

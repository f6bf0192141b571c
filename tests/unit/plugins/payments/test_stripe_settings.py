"""A Stripe key without a webhook secret never serves."""

import msgspec
import pytest

from gatewayz.sdk.secret import Secret
from gatewayz_plugins.payments.stripe.settings import StripeSettings


@pytest.mark.parametrize("secret", ["", "  "])
def test_a_key_without_a_webhook_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="webhook_secret is empty"):
        StripeSettings(api_key=Secret("sk_test_1"), webhook_secret=Secret(secret))


def test_without_a_key_it_is_off() -> None:
    assert not msgspec.convert({}, StripeSettings).is_configured()

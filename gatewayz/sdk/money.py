"""Money as integers: nano-dollars (1 USD = 1,000,000,000).

Inside the gateway every amount is an `int` of nano-dollars; decimal strings appear at the
edges only (YAML, JSON, the command line). Prices of tokens are nano-dollars per *million*
tokens, so that $0.0375 per million is the whole number 37_500_000.
Source: shared decision "Money", docs/decisions/0003-money-is-nano-dollars.md.
"""

from decimal import Decimal, InvalidOperation
from typing import Final, NewType

Nano = NewType("Nano", int)
"""An amount of money in nano-dollars."""

NANO_PER_USD: Final = 1_000_000_000
TOKENS_PER_PRICE_UNIT: Final = 1_000_000
MAX_USD: Final = Decimal(1_000_000_000)
"""No single amount is larger than a billion dollars: far below BIGINT in nano-dollars."""

__all__ = ["MAX_USD", "NANO_PER_USD", "TOKENS_PER_PRICE_UNIT", "Nano", "nano_from_usd", "usd_float", "usd_text"]


def nano_from_usd(text: str | int | Decimal) -> Nano:
    """Return the nano-dollars of a decimal amount of dollars.

    Raises ValueError when it is not a finite number, has more than nine decimal places or is
    larger than `MAX_USD`: money is never rounded on its way in.
    """
    try:
        amount = Decimal(text)
    except (InvalidOperation, TypeError) as err:
        raise ValueError(f"not an amount of money: {text!r}") from err
    if not amount.is_finite() or abs(amount) > MAX_USD:
        raise ValueError(f"not an amount of money: {text!r}")
    scaled = amount * NANO_PER_USD
    if scaled != scaled.to_integral_value():
        raise ValueError(f"more than nine decimal places: {text!r}")
    return Nano(int(scaled))


def usd_text(amount: int) -> str:
    """Return the exact decimal text of nano-dollars: `1500000` is `"0.0015"`."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    whole, fraction = divmod(amount, NANO_PER_USD)
    if not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:09d}".rstrip("0")


def usd_float(amount: int) -> float:
    """Return dollars as the float that JSON answers show; never calculate with it."""
    return amount / NANO_PER_USD

"""Kubernetes quantities as numbers, for defaults that must fit what a user gave."""

import re
from decimal import Decimal

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_FACTORS: dict[str | None, Decimal] = {
    None: Decimal(1),
    "m": Decimal("0.001"),
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}
_MEBI = Decimal(1024) ** 2


def parse_quantity(text: str) -> Decimal | None:
    """The number of a quantity such as ``500m`` or ``2Gi``; None where it is not one."""
    match = _QUANTITY.fullmatch(text)
    return Decimal(match[1]) * _FACTORS[match[2]] if match else None


def mebibytes(amount: int) -> str:
    """A quantity of whole mebibytes, as the API server writes it."""
    return f"{amount // 1024}Gi" if amount % 1024 == 0 else f"{amount}Mi"


def in_mebibytes(quantity: str) -> int | None:
    """How many mebibytes a quantity of bytes is."""
    number = parse_quantity(quantity)
    return None if number is None else int(number / _MEBI)


def at_most(quantity: str, limit: str | None) -> str:
    """The smaller of two quantities."""
    return quantity if limit is None or _number(quantity) <= _number(limit) else limit


def at_least(quantity: str, request: str | None) -> str:
    """The greater of two quantities."""
    return quantity if request is None or _number(quantity) >= _number(request) else request


def _number(quantity: str) -> Decimal:
    return parse_quantity(quantity) or Decimal(0)

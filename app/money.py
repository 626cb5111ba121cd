"""Money for people: minor units with their currency."""

from typing import Final

# ISO 4217: most currencies have two digits behind the point.
WITHOUT_DIGITS: Final = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
)
WITH_THREE: Final = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def money(minor: int, currency: str) -> str:
    """`CNY 1,234.50`."""
    digits = digits_of(currency)
    whole, rest = divmod(abs(minor), 10**digits)
    sign = "-" if minor < 0 else ""
    return f"{currency} {sign}{whole:,}" + (f".{rest:0{digits}}" if digits else "")


def digits_of(currency: str) -> int:
    """How many digits a currency has behind the point."""
    return 0 if currency in WITHOUT_DIGITS else 3 if currency in WITH_THREE else 2

"""Anthropic's list prices in US dollars, as of 21 November 2026.

Where a row comes from:
- PAGE: the vendor's pricing page, platform.claude.com/docs/en/about-claude/pricing, in a copy of autumn 2026.
- MODEL: the vendor's own page on that model, platform.claude.com/docs/.../models/NAME/overview.
- SAID: other people who say that they read it there. Not verified; compare it with the page before relying on it.
- GUESS: not found anywhere; taken from the model that is nearest.

Fast speed multiplies every rate. `[model prices]` of the configuration override a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ringfence.core.metering.prices import SERVER_TOOLS, Price, Prices, Rates

CHECKED: Final = "2026-11-21"
PAGE: Final = "vendor's pricing page"
MODEL: Final = "vendor's page on the model"
SAID: Final = "second hand"
GUESS: Final = "taken from the nearest model"


def _rates(plain: int, write_5m: int, write_1h: int, read: int, output: int) -> Rates:
    """From cents and parts of cents: thousandths of a dollar for a million tokens."""
    return Rates(plain=plain * 1000, write_5m=write_5m * 1000, write_1h=write_1h * 1000, read=read * 1000, output=output * 1000)


def _price(
    rates: Rates,
    source: str,
    *,
    fast: int = 0,
    long: tuple[int, Rates] | None = None,
    context: int = 1_000_000,
) -> Price:
    """`fast`: how many times as much fast speed costs; 0: not offered, or not known."""
    return Price(
        rates=rates,
        long=long[1] if long else None,
        long_over=long[0] if long else 0,
        fast=rates.times(fast) if fast else None,
        context=context,
        checked=CHECKED,
        source=source,
        is_verified=source in (PAGE, MODEL),
    )


_FABLE_5_2 = _rates(8_000, 10_000, 16_000, 200, 40_000)
_FABLE_5_1 = _rates(10_000, 12_500, 20_000, 250, 50_000)
_FABLE_5 = _rates(10_000, 12_500, 20_000, 1_000, 50_000)
_MYTHOS_PREVIEW = _rates(25_000, 31_250, 50_000, 2_500, 125_000)
_OPUS_5_5 = _rates(4_000, 5_000, 8_000, 200, 20_000)
_OPUS_4_5 = _rates(5_000, 6_250, 10_000, 500, 25_000)
_OPUS_4 = _rates(15_000, 18_750, 30_000, 1_500, 75_000)
_SONNET_5_5 = _rates(2_000, 2_500, 4_000, 100, 10_000)
_SONNET_5 = _rates(2_000, 2_500, 4_000, 200, 10_000)
_SONNET_4 = _rates(3_000, 3_750, 6_000, 300, 15_000)
_SONNET_4_LONG = _rates(6_000, 7_500, 12_000, 600, 22_500)
_HAIKU_5_5 = _rates(100, 125, 200, 10, 500)
_HAIKU_5_5_LONG = _rates(500, 625, 1_000, 50, 2_500)
_HAIKU_4_5 = _rates(1_000, 1_250, 2_000, 100, 5_000)
_HAIKU_3_5 = _rates(800, 1_000, 1_600, 80, 4_000)
_HAIKU_3 = _rates(250, 300, 500, 30, 1_250)

MODELS: Final[Mapping[str, Price]] = {
    "claude-fable-5-2": _price(_FABLE_5_2, SAID, fast=2),
    "claude-mythos-5-2": _price(_FABLE_5_2, GUESS),
    "claude-fable-5-1": _price(_FABLE_5_1, PAGE),
    "claude-mythos-5-1": _price(_FABLE_5_1, PAGE),
    "claude-fable-5": _price(_FABLE_5, PAGE),
    "claude-mythos-5": _price(_FABLE_5, PAGE),
    "claude-mythos-preview": _price(_MYTHOS_PREVIEW, SAID),
    "claude-opus-5-5": _price(_OPUS_5_5, MODEL, fast=2),
    "claude-opus-5": _price(_OPUS_4_5, PAGE, fast=2),
    "claude-opus-4-8": _price(_OPUS_4_5, PAGE),
    "claude-opus-4-7": _price(_OPUS_4_5, PAGE),
    "claude-opus-4-6": _price(_OPUS_4_5, PAGE, fast=6),
    "claude-opus-4-5": _price(_OPUS_4_5, PAGE, context=200_000),
    "claude-opus-4-1": _price(_OPUS_4, PAGE, context=200_000),
    "claude-opus-4": _price(_OPUS_4, PAGE, context=200_000),
    "claude-opus-3": _price(_OPUS_4, PAGE, context=200_000),
    # The cache became cheaper on 7 October 2026; the vendor's own page was seen with the earlier 0.20 only.
    "claude-sonnet-5-5": _price(_SONNET_5_5, SAID),
    "claude-sonnet-5": _price(_SONNET_5, MODEL),
    "claude-sonnet-4-6": _price(_SONNET_4, PAGE),
    "claude-sonnet-4-5": _price(_SONNET_4, PAGE, long=(200_000, _SONNET_4_LONG)),
    "claude-sonnet-4": _price(_SONNET_4, PAGE, long=(200_000, _SONNET_4_LONG)),
    "claude-sonnet-3-7": _price(_SONNET_4, PAGE, context=200_000),
    "claude-sonnet-3-5": _price(_SONNET_4, PAGE, context=200_000),
    "claude-haiku-5-5": _price(_HAIKU_5_5, SAID, long=(100_000, _HAIKU_5_5_LONG)),
    "claude-haiku-4-5": _price(_HAIKU_4_5, PAGE, context=200_000),
    "claude-haiku-3-5": _price(_HAIKU_3_5, PAGE, context=200_000),
    "claude-haiku-3": _price(_HAIKU_3, PAGE, context=200_000),
}

PRICES: Final = Prices(models=MODELS, tools=SERVER_TOOLS)

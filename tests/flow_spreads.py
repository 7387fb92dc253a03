"""Random flows over spreads and their legs: a small world with three months and five spreads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    DAY_1,
    TICK,
    instrument,
    member,
    product,
    roll_product,
    set_implied,
    spread,
)
from tests.flow import FAR_DAY, MEMBER_ROW, Flow, small_world

CALENDARS = (10, 11, 12)  # of the months 7, 8 and 9
GRADE, YIELD = 13, 14  # two lots against one; quoted in another unit than leg 1
MONTHS = (7, 8, 9)
EVERY = {"products": 0b11111110}
SPREADS = (*CALENDARS, GRADE, YIELD)


def spread_world(**over: int) -> list[dict]:
    """Product 5: months and their calendar spreads, with pauses and bands. 6: a grade spread of two
    lots of month 7 against four of instrument 1 of product 1. 7: a spread with a yield."""
    terms = {"qty_max": 40, "limit_bp": 500, "ladder_bp": 500, "band_ticks": 2}
    terms |= {"display_min_bp": 2_000}
    months = {
        "features": ALL_FEATURES | w.PRICE_BANDS | w.PAUSES | w.IMPLIED_PRICES,
        "static_band_ticks": 5,
        "dynamic_band_ticks": 4,
        "velocity_ticks": 5,
        "velocity_seconds": 3,
        "breaker_bp": 600,
        "pause_seconds": 5,
    }
    grade = {"multiplier": 2_000, "tick": TICK // 2, "features": ALL_FEATURES}
    ends = {7: DAY_1 + 3, 8: FAR_DAY, 9: FAR_DAY}
    return [
        *small_world(),
        product(5, **(terms | months | over)),
        product(6, **(terms | grade)),
        product(7, **(terms | {"multiplier": 730, "tick": TICK, "features": ALL_FEATURES})),
        *(instrument(number, 5, last_trading_date=ends[number]) for number in MONTHS),
        spread(10, 5, 7, 8, ticks=1, last_trading_date=DAY_1 + 3),
        spread(11, 5, 8, 9, ticks=-1, last_trading_date=FAR_DAY),
        spread(12, 5, 7, 9, last_trading_date=DAY_1 + 2),
        spread(GRADE, 6, 8, 1, lots_1=2, lots_2=2, last_trading_date=FAR_DAY),
        spread(YIELD, 7, 9, 1, ticks=3, last_trading_date=FAR_DAY),
        *(member(one, **(MEMBER_ROW | EVERY)) for one in (1, 2, 3)),
    ]


@dataclass
class SpreadFlow(Flow):
    """Most of the orders go to spreads and their months."""

    instruments: int = 14

    def _choose(self) -> Callable[[Flow], dict]:
        maker = super()._choose()
        return getattr(type(self), maker.__name__, maker)

    def _new(self) -> dict:
        made = super()._new()
        dice = self.dice
        if made["instrument"] in (3, 4) or dice.number(1, 4) == 1:
            return made
        number = dice.pick((*MONTHS, *SPREADS, *CALENDARS))
        made["instrument"] = number
        if made["stop_price"]:
            self._make_stop(made)
        else:
            made["price"] = self._price(made["side"], number)
        if number == GRADE and dice.number(1, 2) == 1:
            made["price"] += TICK // 2
        return made

    def _member(self) -> dict:
        """The same, and what ends it permits the spreads again."""
        made = super()._member()
        row = self.repairs[-1]["row"]
        if row["products"] == MEMBER_ROW["products"]:
            self.repairs[-1] = member(row["member"], **(MEMBER_ROW | EVERY))
        return made

    def _silent(self) -> dict:
        """Half of them turn implied prices off or on, seldom where there are none."""
        if self.dice.number(1, 2) == 1:
            return super()._silent()
        return set_implied(self.dice.pick((5, 5, 5, 5, 5, 1, 9)), self.dice.pick((0, 1, 1, 2)))

    def _roll_product(self) -> dict:
        number = self.dice.pick((1, 2, 3, 4, 5, 5, 6, 7))
        if number == 1:
            self.date += 1
        return roll_product(number, self.date)

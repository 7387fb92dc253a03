"""Random flows with busted and corrected trades: recent ones mostly, and such as never were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests import naive_words as w
from tests.build import TICK, define
from tests.exchanges import NaiveVenue
from tests.flow import Flow
from tests.flow_spreads import SpreadFlow


@dataclass
class AmendFlow(Flow):
    """One command of twelve amends a trade."""

    traded: Callable[[], int] = lambda: 0  # the number of the last trade

    def _choose(self) -> Callable[[Flow], dict]:
        if self.dice.number(1, 12) == 1:
            return AmendFlow._amend
        return super()._choose()

    def _amend(self) -> dict:
        """A bust, or a correction to a price near the market."""
        dice, last = self.dice, self.traded()
        recent = max(1, last - dice.number(0, 8))
        trade_id = dice.pick((recent, recent, recent, recent, dice.number(0, last + 1)))
        if dice.number(1, 30) == 1:
            trade_id = dice.pick((-1, trade_id | 1 << 56, 2**63 - 1, -(2**63)))
        kind = dice.pick((w.BUST_TRADE, w.CORRECT_TRADE, w.CORRECT_TRADE))
        price = self._price(w.BUY, dice.number(1, 6)) + dice.pick((0, 0, 0, 0, 5))
        told = {}
        for side in ("first", "second"):
            told[f"{side}_order_qty"] = qty = dice.pick((0, 5, 12, 40, 40, 2**62))
            told[f"{side}_cum_qty"] = dice.pick((qty, 0, 7, 12))
            told[f"{side}_cum_value"] = dice.pick((0, 1_200 * TICK, -3, 2**63 - 1, -(2**63)))
        made = define(kind, trade_id=trade_id, price=price, **told)
        if dice.number(1, 60) == 1:
            made["row"], made["blob"] = None, made["blob"][:-1]
        return made


@dataclass
class AmendSpreadFlow(AmendFlow, SpreadFlow):
    """The same among spreads and their months; starts from spread_world."""


def amend_spread_flow(seed: int, spoils: int, naive: NaiveVenue) -> AmendSpreadFlow:
    """For a Twin."""
    asks = {"alive": naive.alive, "around": naive.around}
    exchange = naive.exchange
    return AmendSpreadFlow(seed, spoils=spoils, traded=lambda: exchange.trades_made, **asks)


def amend_flow(seed: int, spoils: int, naive: NaiveVenue) -> AmendFlow:
    """For a Twin."""
    asks = {"alive": naive.alive, "around": naive.around}
    exchange = naive.exchange
    return AmendFlow(seed, spoils=spoils, traded=lambda: exchange.trades_made, **asks)

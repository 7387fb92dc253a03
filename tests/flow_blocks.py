"""Random flows with block trades: reports, their other sides, and such as do not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests import naive_words as w
from tests.build import TICK, Who, block
from tests.exchanges import NaiveVenue
from tests.flow import TRADERS, Flow
from tests.flow_amend import AmendFlow


@dataclass
class BlockFlow(AmendFlow):
    """One command of eight reports a block; most of them have their other side soon."""

    half: list[tuple[Who, dict]] = field(default_factory=list)  # reports without their other side

    def _choose(self) -> Callable[[Flow], dict]:
        if self.dice.number(1, 8) == 1:
            return BlockFlow._block
        return super()._choose()

    def _block(self) -> dict:
        dice = self.dice
        if self.half and dice.number(1, 3) > 1:
            return self._other_side(*self.half.pop(dice.number(0, len(self.half) - 1)))
        who, other = dice.pick(TRADERS), dice.pick(TRADERS)
        number = dice.pick((1, 1, 1, 2, 2, 3, 3, 5, 5, 6))
        price = (self.around(number) + dice.number(-3, 3)) * TICK + dice.pick((0,) * 12 + (5,))
        if dice.number(1, 12) == 1:
            price += dice.pick((-7, -5, 5, 7)) * TICK
        effects = (w.OPEN,) * 5 + (w.CLOSE, w.CLOSE_TODAY, w.CLOSE_TODAY, 0)
        more = {
            "instrument": number if dice.number(1, 40) > 1 else 14,
            "price": price,
            "position_effect": dice.pick(effects) if number == 3 else dice.pick((0, 0, w.OPEN)),
        }
        side, qty = dice.pick((w.BUY, w.SELL)), dice.pick((8, 9, 15, 25, 30, 7, 0, 41))
        link = dice.pick(("L", f"{self.made}"))
        made = block(who, "", side, qty, 0, other, link, **more)
        made["cl_ord_id"] = self._packed(who, number)
        if dice.number(1, 12) == 1:
            flaw = ({"side": 53}, {"account": 9}, {"self_match_id": 0}, {"self_match_id": 4})
            made.update(dice.pick((*flaw, {"self_match_id": 2**32 - 1})))
        self.half.append((who, made))
        return made

    def _other_side(self, who: Who, made: dict) -> dict:
        """What the other member says of it, seldom something else."""
        dice = self.dice
        others = [one for one in TRADERS if one.member == made["self_match_id"]]
        other = dice.pick(others) if others else dice.pick(TRADERS)
        told = dict(made, session=other.session, member=other.member, account=other.account)
        told["side"] = w.SELL if made["side"] == w.BUY else w.BUY
        told["self_match_id"] = who.member
        if dice.number(1, 6) == 1:
            name = dice.pick(("qty", "price", "side", "self_match_id", "instrument"))
            told[name] += dice.pick((-1, 1))
        told["cl_ord_id"] = self._packed(other, made["instrument"])
        if dice.number(1, 2) == 1:
            self.half.append((who, made))
        return told

    def _packed(self, who: Who, number: int) -> tuple[int, int, int]:
        """A new id of the member as words."""
        named = block(who, str(self._name(who, number)), w.BUY, 1, 1, who)
        return named["cl_ord_id"]


def block_flow(seed: int, spoils: int, naive: NaiveVenue) -> BlockFlow:
    """For a Twin."""
    exchange = naive.exchange
    return BlockFlow(
        seed,
        spoils=spoils,
        alive=naive.alive,
        around=naive.around,
        traded=lambda: exchange.trades_made,
    )

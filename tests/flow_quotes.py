"""Mass quotes and their cancels for the random flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cl_ord_id import pack_cl_ord_id
from tests import naive_words as w
from tests.build import TICK, account, quote, quote_cancel, quote_request

if TYPE_CHECKING:
    from tests.flow import Flow


def mass_quote(flow: Flow) -> dict:
    """A quote around the last trade: a message of its own, or a further one of the last."""
    dice = flow.dice
    goes_on = dice.number(1, 3) == 1
    who = flow.quoter if goes_on and dice.number(1, 12) > 1 else flow._who()
    flow.quoter = who
    number = dice.pick((1, 1, 1, 2, 3, 3, 4, 5, 6, dice.number(1, flow.instruments)))
    if dice.number(1, 60) == 1:
        number = 14
    bid = flow.around(number) * TICK + dice.pick((-3, -2, -1, -1, -1, 0, 1, 2)) * TICK
    ask = bid + dice.pick((1, 1, 2, 2, 3, 4)) * TICK
    if dice.number(1, 30) == 1:
        bid, ask = dice.pick(((ask, bid), (bid, bid), (bid + 5, ask), (bid - 30 * TICK, ask)))
    made = quote(who, "", (size(flow), 0), (size(flow), 0), instrument=number, quote_set=2)
    made |= {"price": bid, "stop_price": ask, "order_id": flow.made}
    if goes_on:
        return made | {"scope": 0}
    made["scope"] |= dice.pick((0, 0, w.RESET_QUOTES))
    return made | {"cl_ord_id": _words(flow._name(who, number))}


def size(flow: Flow) -> int:
    """Lots of a side, now and then none, seldom too many."""
    return flow.dice.pick((0, *range(1, 9), *range(1, 9), *range(1, 9), 41, -1, 40, 30))


def cancel_quotes(flow: Flow) -> dict:
    """A quote cancel of any scope."""
    dice, who = flow.dice, flow._who()
    scope = dice.pick((w.SCOPE_INSTRUMENT, w.SCOPE_INSTRUMENT, w.SCOPE_PRODUCT, w.SCOPE_MEMBER, 50))
    made = quote_cancel(who, "", scope, side=dice.pick((0, 0, 0, w.BUY)))
    made |= {"instrument": dice.number(1, 7), "product": dice.number(1, 5)}
    return made | {"cl_ord_id": _words(flow._name(who, 1))}


def _words(name: str | tuple) -> tuple:
    return pack_cl_ord_id(name.encode()) if isinstance(name, str) else name


def protect(flow: Flow) -> dict:
    """An account's quotes are protected from now on, in one way or another."""
    dice, who = flow.dice, flow._who()
    limits = {"quote_window_ms": dice.pick((0, 1_600, 1_600, 60_000, -1))}
    limits |= {"quote_executions_max": dice.pick((0, 0, 2, 3)), "quote_qty_max": dice.pick((0, 9))}
    return account(who.account, who.member, **PLENTY, **limits, quote_delta_max=dice.pick((0, 6)))


def ask(flow: Flow) -> dict:
    """A request for quotes."""
    dice = flow.dice
    side, qty = dice.pick((0, w.BUY, w.SELL, 0, 9)), dice.pick((0, 1, 5, -1, 41))
    number = dice.pick((1, 1, 2, 3, 4, 5, 6, 14))
    return quote_request(flow._who(), instrument=number, side=side, qty=qty)


PLENTY = {"open_orders_max": 60, "position_long_max": 10**6, "position_short_max": 10**6}
QUOTE_MAKERS = ((80, mass_quote), (6, cancel_quotes), (5, protect), (5, ask))

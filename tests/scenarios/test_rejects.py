"""Each reject number by itself: a command wrong in one thing only, beside one that is right.

Source: specs/rejects.py, specs/matching.md M-10 to M-19, M-52, M-60 to M-65.
"""

from __future__ import annotations

import pytest

from specs.rejects import Reject
from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    DAY_2,
    DAY_3,
    TICK,
    account,
    block,
    bust,
    buy,
    cancel,
    command,
    correct,
    instrument,
    kill,
    mass_cancel,
    member,
    more_quote,
    number,
    product,
    quote,
    replace,
    roll_product,
    sell,
    set_phase,
    stop,
    usual_venue,
)
from tests.exchanges import EngineVenue, NaiveVenue

OPENS = {"instrument": 3, "position_effect": w.OPEN}
NO_QUOTE = quote(ALPHA, "b", (0, 0), (0, 0))
RESTING = buy(ALPHA, "rest", 10, 99)
TRADED = [sell(ALPHA, "s1", 1, 100), buy(BRAVO, "b1", 1, 100)]
TRADED_2 = [sell(ALPHA, "s2", 1, 100), buy(BRAVO, "b2", 1, 100)]

# number: commands before, the one refused, the one beside it that is not refused
CASES: dict[Reject, tuple[list[dict], dict, dict]] = {
    Reject.UNKNOWN_INSTRUMENT: (
        [],
        buy(ALPHA, "x", 1, 100, instrument=4),
        buy(ALPHA, "y", 1, 100, instrument=2),
    ),
    Reject.UNKNOWN_ACCOUNT: (
        [],
        buy(ALPHA, "x", 1, 100, account=BRAVO.account),
        buy(ALPHA, "y", 1, 100, account=2),
    ),
    Reject.DUPLICATE_CL_ORD_ID: (
        [RESTING],
        buy(ALPHA, "rest", 1, 100),
        buy(BRAVO, "rest", 1, 100),
    ),
    Reject.REQUEST_ROWS_FULL: (
        [member(1, requests_max=1), RESTING],
        buy(ALPHA, "x", 1, 100),
        buy(BRAVO, "x", 1, 100),
    ),
    Reject.ORDERS_FULL: (
        [member(1, orders_max=1), RESTING],
        buy(ALPHA, "x", 1, 100),
        buy(BRAVO, "x", 1, 100),
    ),
    Reject.NOT_PERMITTED: (
        [member(1, products=1 << 2)],
        buy(ALPHA, "x", 1, 100),
        buy(ALPHA, "y", 1, 100, **OPENS),
    ),
    Reject.VENUE_HALTED: (
        [command(w.HALT)],
        buy(ALPHA, "x", 1, 100),
        command(w.RESUME),
    ),
    Reject.INSTRUMENT_NOT_TRADING: (
        [roll_product(1, DAY_2), roll_product(1, DAY_3)],
        buy(ALPHA, "x", 1, 100, instrument=2),
        buy(ALPHA, "y", 1, 100),
    ),
    Reject.STALE_POSS_DUP: (
        [],
        buy(ALPHA, "x", 1, 100, reason=int(Reject.STALE_POSS_DUP)),
        buy(ALPHA, "y", 1, 100),
    ),
    Reject.SIDE_INVALID: (
        [],
        buy(ALPHA, "x", 1, 100) | {"side": ord("5")},
        sell(ALPHA, "y", 1, 100),
    ),
    Reject.QTY_NOT_POSITIVE: ([], buy(ALPHA, "x", 0, 100), buy(ALPHA, "y", 1, 100)),
    Reject.QTY_ABOVE_MAX: ([], buy(ALPHA, "x", 1_001, 100), buy(ALPHA, "y", 1_000, 100)),
    Reject.ORD_TYPE_NOT_SUPPORTED: (
        [],
        buy(ALPHA, "x", 1, 100, ord_type=w.MARKET, **OPENS),
        buy(ALPHA, "y", 1, 100, ord_type=w.MARKET),
    ),
    Reject.TIME_IN_FORCE_NOT_SUPPORTED: (
        [],
        buy(ALPHA, "x", 1, 100, time_in_force=w.GTC, **OPENS),
        buy(ALPHA, "y", 1, 100, time_in_force=w.GTC),
    ),
    Reject.PRICE_OFF_TICK: (
        [],
        buy(ALPHA, "x", 1, 0, price=100 * TICK + 1),
        buy(ALPHA, "y", 1, 100),
    ),
    Reject.PRICE_ABOVE_LIMIT: ([], buy(ALPHA, "x", 1, 111), buy(ALPHA, "y", 1, 110)),
    Reject.PRICE_BELOW_LIMIT: ([], buy(ALPHA, "x", 1, 89), buy(ALPHA, "y", 1, 90)),
    Reject.EXPIRE_DATE_INVALID: (
        [],
        buy(ALPHA, "x", 1, 100, time_in_force=w.GTD, expire_date=20261221),
        buy(ALPHA, "y", 1, 100, time_in_force=w.GTD, expire_date=20261220),
    ),
    Reject.MIN_QTY_INVALID: (
        [],
        buy(ALPHA, "x", 2, 100, time_in_force=w.IOC, min_qty=3),
        buy(ALPHA, "y", 2, 100, time_in_force=w.IOC, min_qty=2),
    ),
    Reject.DISPLAY_QTY_INVALID: (
        [],
        buy(ALPHA, "x", 100, 100, display_qty=9),
        buy(ALPHA, "y", 100, 100, display_qty=10),
    ),
    Reject.POST_ONLY_INVALID: (
        [],
        buy(ALPHA, "x", 1, 100, exec_inst=1, time_in_force=w.IOC),
        buy(ALPHA, "y", 1, 100, exec_inst=1),
    ),
    Reject.POST_ONLY_WOULD_TRADE: (
        [RESTING],
        sell(BRAVO, "x", 1, 99, exec_inst=1),
        sell(BRAVO, "y", 1, 100, exec_inst=1),
    ),
    Reject.POSITION_EFFECT_REQUIRED: (
        [],
        buy(ALPHA, "x", 1, 100, instrument=3),
        buy(ALPHA, "y", 1, 100, **OPENS),
    ),
    Reject.POSITION_EFFECT_INVALID: (
        [],
        buy(ALPHA, "x", 1, 100, position_effect=w.CLOSE_TODAY),
        buy(ALPHA, "y", 1, 100, position_effect=w.CLOSE),
    ),
    Reject.CLOSE_EXCEEDS_POSITION: (
        [buy(ALPHA, "a", 2, 100, **OPENS), sell(BRAVO, "b", 2, 100, **OPENS)],
        sell(ALPHA, "x", 3, 100, instrument=3, position_effect=w.CLOSE_TODAY),
        sell(ALPHA, "y", 2, 100, instrument=3, position_effect=w.CLOSE_TODAY),
    ),
    Reject.SELF_MATCH_INVALID: (
        [],
        buy(ALPHA, "x", 1, 100, self_match=ord("Z")),
        buy(ALPHA, "y", 1, 100, self_match=w.SMP_DECREMENT),
    ),
    Reject.OPEN_ORDERS_MAX: (
        [account(1, 1, open_orders_max=1), RESTING],
        buy(ALPHA, "x", 1, 100),
        cancel(ALPHA, "y", "rest"),
    ),
    Reject.POSITION_LONG_MAX: (
        [account(1, 1, position_long_max=12), RESTING],
        buy(ALPHA, "x", 3, 100),
        buy(ALPHA, "y", 2, 100),
    ),
    Reject.POSITION_SHORT_MAX: (
        [account(1, 1, position_short_max=2)],
        sell(ALPHA, "x", 3, 100),
        sell(ALPHA, "y", 2, 100),
    ),
    Reject.ORDER_NOTIONAL_MAX: (
        [account(1, 1, order_notional_max=2_000 * 10**6)],
        buy(ALPHA, "x", 2, 101),
        buy(ALPHA, "y", 2, 100),
    ),
    Reject.OPEN_NOTIONAL_MAX: (
        [account(1, 1, open_notional_max=12_000 * 10**6), RESTING],
        buy(ALPHA, "x", 3, 100),
        buy(ALPHA, "y", 2, 100),
    ),
    Reject.ORDERS_PER_SECOND_MAX: (
        [account(1, 1, orders_per_second_max=1), RESTING],
        buy(ALPHA, "x", 1, 100),
        cancel(ALPHA, "y", "rest"),
    ),
    Reject.UNKNOWN_ORDER: (
        [RESTING],
        cancel(ALPHA, "x", "rest2"),
        cancel(ALPHA, "y", "rest"),
    ),
    Reject.ORDER_MISMATCH: (
        [RESTING],
        cancel(ALPHA, "x", "rest", instrument=2),
        cancel(ALPHA, "y", "rest", side=w.BUY),
    ),
    Reject.TOO_LATE: (
        [RESTING, sell(BRAVO, "b", 4, 99)],
        replace(ALPHA, "x", "rest", 4, 99),
        replace(ALPHA, "y", "rest", 5, 99),
    ),
    Reject.NOT_AMENDABLE: (
        [RESTING],
        replace(ALPHA, "x", "rest", 9, 99, time_in_force=w.GTC),
        replace(ALPHA, "y", "rest", 9, 99, time_in_force=w.DAY),
    ),
    Reject.MASS_CANCEL_SCOPE_INVALID: (
        [RESTING],
        mass_cancel(ALPHA, "x", ord("2")),
        mass_cancel(ALPHA, "y", w.SCOPE_MEMBER),
    ),
    Reject.PHASE_TAKES_NO_ORDERS: (
        [set_phase(w.CLOSED)],
        buy(ALPHA, "x", 1, 100),
        buy(ALPHA, "y", 1, 100, instrument=2),
    ),
    Reject.PHASE_TAKES_NO_CANCELS: (
        [RESTING, set_phase(w.NO_CANCEL)],
        cancel(ALPHA, "x", "rest"),
        buy(ALPHA, "y", 1, 100),
    ),
    Reject.ORDER_NOT_FOR_CALL: (
        [set_phase(w.PRE_OPEN)],
        buy(ALPHA, "x", 1, 100, time_in_force=w.IOC),
        buy(ALPHA, "y", 1, 100, time_in_force=w.GTC),
    ),
    Reject.PRICE_OUTSIDE_BAND: (
        [
            product(4, features=ALL_FEATURES | w.PRICE_BANDS, dynamic_band_ticks=2),
            instrument(4, 4),
        ],
        sell(ALPHA, "x", 1, 97, instrument=4),
        sell(ALPHA, "y", 1, 98, instrument=4),
    ),
    Reject.KILLED: ([kill(ALPHA)], buy(ALPHA, "x", 1, 100), buy(BRAVO, "y", 1, 100)),
    Reject.STOP_PRICE_INVALID: (
        [],
        stop(ALPHA, "x", w.BUY, 1, 111),
        stop(ALPHA, "y", w.BUY, 1, 110),
    ),
    Reject.STOP_WRONG_SIDE: (
        [buy(ALPHA, "a", 1, 102), sell(BRAVO, "b", 1, 102)],
        stop(ALPHA, "x", w.BUY, 1, 102),
        stop(ALPHA, "y", w.SELL, 1, 101),
    ),
    Reject.QUOTE_CROSSED: (
        [NO_QUOTE],
        more_quote(ALPHA, (1, 100), (1, 100)),
        more_quote(ALPHA, (1, 100), (1, 101)),
    ),
    Reject.PHASE_TAKES_NO_QUOTES: (
        [NO_QUOTE, set_phase(w.PRE_OPEN)],
        more_quote(ALPHA, (1, 99), (1, 100)),
        more_quote(ALPHA, (1, 99), (1, 100), instrument=2),
    ),
    Reject.QUOTES_PULLED: (
        [
            account(1, 1, quote_window_ms=1_000, quote_executions_max=1),
            quote(ALPHA, "b", (2, 99), (0, 0)),
            sell(BRAVO, "c", 1, 99),
        ],
        more_quote(ALPHA, (1, 99), (1, 100)),
        more_quote(ALPHA, (1, 99), (1, 100), account=2),
    ),
    Reject.QUOTE_SIZE_INVALID: (
        [NO_QUOTE],
        more_quote(ALPHA, (1, 99), (1_001, 100)),
        more_quote(ALPHA, (0, 0), (1_000, 100)),
    ),
    Reject.UNKNOWN_TRADE: (TRADED, bust(2), bust(1)),
    Reject.TRADE_GONE: ([*TRADED, *TRADED_2, bust(1)], bust(1), bust(2)),
    Reject.TRADE_TOO_OLD: ([*TRADED, roll_product(1, DAY_2), *TRADED_2], bust(1), bust(2)),
    Reject.TRADE_PRICE_INVALID: (TRADED, correct(1, 111), correct(1, 110)),
    Reject.BLOCK_NOT_TAKEN: (
        [product(4, block_qty_min=0), instrument(4, 4)],
        block(ALPHA, "x", w.BUY, 8, 100, BRAVO, instrument=4),
        block(ALPHA, "y", w.BUY, 8, 100, BRAVO),
    ),
    Reject.BLOCK_QTY_TOO_SMALL: (
        [],
        block(ALPHA, "x", w.BUY, 7, 100, BRAVO),
        block(ALPHA, "y", w.BUY, 8, 100, BRAVO),
    ),
    Reject.BLOCK_PRICE_OUT_OF_RANGE: (
        [],
        block(ALPHA, "x", w.BUY, 8, 94, BRAVO),
        block(ALPHA, "y", w.BUY, 8, 95, BRAVO),
    ),
    Reject.BLOCK_SIDES_DIFFER: (
        [block(ALPHA, "a", w.BUY, 8, 100, BRAVO)],
        block(BRAVO, "x", w.SELL, 9, 100, ALPHA),
        block(BRAVO, "y", w.SELL, 8, 100, ALPHA),
    ),
}
REJECTING = (w.REJECTED, w.CANCEL_REJECTED, w.MASS_CANCEL_REJECTED, w.QUOTE_REJECTED)
REJECTING += (w.TRADE_KEPT,)


def is_reject(event: dict) -> bool:
    """Whether the event refuses its command."""
    refused = event["kind"] == w.BLOCK_REPORTED and event["ord_status"] == w.STATUS_REJECTED
    return refused or event["kind"] in REJECTING


def test_every_number_has_a_case() -> None:
    assert set(CASES) == set(Reject) - {Reject.NONE}


@pytest.mark.parametrize("number_", list(CASES), ids=lambda one: one.name)
def test_reject(number_: Reject) -> None:
    """The wrong command gets this number and changes nothing else; the right one gets none."""
    before, refused, right = CASES[number_]
    commands = number([*usual_venue(), *before, refused, right])
    naive, engine = NaiveVenue(), EngineVenue()
    wanted = naive.run(commands)
    for events in wanted[-2 - len(before) : -2]:
        assert not [event for event in events if is_reject(event)]
    assert [(event["reason"], is_reject(event)) for event in wanted[-2]] == [(number_, True)]
    assert not [event for event in wanted[-1] if is_reject(event)]
    assert engine.run(commands) == [event for one in wanted for event in one]

"""The checks of admission and risk of the naive exchange, in the order of the rules.

Each function returns the reject number of the first check that fails, 0 if none does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from specs.rejects import Reject
from tests import naive_implied as implied
from tests import naive_spreads as spreads
from tests import naive_stops as stops
from tests import naive_words as w
from tests.naive_state import Instrument, Order

if TYPE_CHECKING:
    from tests.naive import NaiveExchange

RESTING_TIMES = (w.DAY, w.GTC, w.GTD)


def refuse_access(venue: NaiveExchange, c: dict) -> int:
    """Who may trade what, now: the first checks of M-11."""
    if is_killed(venue, c):
        return Reject.KILLED
    if venue.halted:
        return Reject.VENUE_HALTED
    instrument = venue.instruments.get(c["instrument"])
    if instrument is None:
        return Reject.UNKNOWN_INSTRUMENT
    if instrument.expired or instrument.trading_date > instrument.last_trading_date:
        return Reject.INSTRUMENT_NOT_TRADING
    account = venue.accounts.get(c["account"])
    if account is None or account["member"] != c["member"]:
        return Reject.UNKNOWN_ACCOUNT
    if not venue.members[c["member"]]["products"] >> instrument.product["product"] & 1:
        return Reject.NOT_PERMITTED
    if c["reason"] == Reject.STALE_POSS_DUP:
        return Reject.STALE_POSS_DUP
    return 0


def refuse_new(venue: NaiveExchange, c: dict) -> int:
    """M-11."""
    reason = refuse_access(venue, c)
    if reason:
        return reason
    instrument = venue.instruments[c["instrument"]]
    return (
        _refuse_phase(instrument, c)
        or _refuse_terms(instrument, c)
        or _refuse_options(instrument, c)
        or refuse_position_effect(venue, instrument, c)
        or refuse_risk(venue, instrument, c, c["qty"], replaced=None)
        or _refuse_room(venue, instrument, c)
    )


def is_killed(venue: NaiveExchange, c: dict) -> bool:
    """M-171."""
    return bool({(c["member"], 0), (c["member"], c["session"])} & venue.killed)


def _refuse_phase(instrument: Instrument, c: dict) -> int:
    """M-101, M-103."""
    if instrument.phase not in w.TAKE_NEW:
        return Reject.PHASE_TAKES_NO_ORDERS
    if instrument.phase in w.CALLS:
        rests = c["ord_type"] == w.LIMIT and c["time_in_force"] in RESTING_TIMES
        if not rests or c["exec_inst"] & 1:
            return Reject.ORDER_NOT_FOR_CALL
    return 0


def _refuse_terms(instrument: Instrument, c: dict) -> int:
    """Side, quantity, type, time in force, expiry, price."""
    product = instrument.product
    features = product["features"]
    if c["side"] not in (w.BUY, w.SELL):
        return Reject.SIDE_INVALID
    if c["qty"] < 1:
        return Reject.QTY_NOT_POSITIVE
    if c["qty"] > product["qty_max"]:
        return Reject.QTY_ABOVE_MAX
    market = c["ord_type"] == w.MARKET and features & w.HAS_MARKET
    if c["ord_type"] != w.LIMIT and not market and not stops.is_taken(product, c["ord_type"]):
        return Reject.ORD_TYPE_NOT_SUPPORTED
    dated = c["time_in_force"] in (w.GTC, w.GTD)
    if c["time_in_force"] not in (w.DAY, w.IOC, w.FOK) and not (dated and features & w.HAS_GTC_GTD):
        return Reject.TIME_IN_FORCE_NOT_SUPPORTED
    if stops.is_stop(c["ord_type"]) and c["time_in_force"] in (w.IOC, w.FOK):
        return Reject.TIME_IN_FORCE_NOT_SUPPORTED
    if dated and c["ord_type"] == w.MARKET:
        return Reject.TIME_IN_FORCE_NOT_SUPPORTED
    if refuse_expire_date(instrument, c["time_in_force"], c["expire_date"]):
        return Reject.EXPIRE_DATE_INVALID
    return refuse_prices(instrument, c)


def refuse_expire_date(instrument: Instrument, time_in_force: int, expire_date: int) -> int:
    """A GTD order's date lies from the trading date to the last one; others have none."""
    if time_in_force == w.GTD:
        if not instrument.trading_date <= expire_date <= instrument.last_trading_date:
            return Reject.EXPIRE_DATE_INVALID
    elif expire_date:
        return Reject.EXPIRE_DATE_INVALID
    return 0


def refuse_prices(instrument: Instrument, c: dict) -> int:
    """The stop price, then the limit, of an order that has them."""
    reason = 0
    if stops.is_stop(c["ord_type"]):
        reason = stops.refuse_stop_price(instrument, c["side"], c["stop_price"])
    if not reason and c["ord_type"] in (w.LIMIT, w.STOP_LIMIT):
        reason = refuse_price(instrument, c["price"])
    if not reason and c["ord_type"] == w.LIMIT:
        reason = refuse_bands(instrument, c["side"], c["price"])
    return reason


def refuse_price(instrument: Instrument, price: int) -> int:
    """Tick and daily limits."""
    if price % instrument.product["tick"]:
        return Reject.PRICE_OFF_TICK
    if price > instrument.high:
        return Reject.PRICE_ABOVE_LIMIT
    if price < instrument.low:
        return Reject.PRICE_BELOW_LIMIT
    return 0


def refuse_bands(instrument: Instrument, side: int, price: int) -> int:
    """M-114."""
    product = instrument.product
    sign = 1 if side == w.BUY else -1
    bands = [(instrument.reference, product["static_band_ticks"])]
    if instrument.phase in (w.NO_PHASE, w.CONTINUOUS):
        bands.append((instrument.last, product["dynamic_band_ticks"]))
    for middle, ticks in bands:
        beyond = sign * (price - middle) > ticks * product["tick"]
        if product["features"] & w.PRICE_BANDS and ticks and beyond:
            return Reject.PRICE_OUTSIDE_BAND
    return 0


def refuse_display(product: dict, resting: bool, display_qty: int, qty: int) -> int:
    """M-24."""
    if display_qty in (0, qty):
        return 0
    if not resting or not product["features"] & w.HAS_ICEBERG or not 0 < display_qty < qty:
        return Reject.DISPLAY_QTY_INVALID
    if display_qty < -(-qty * product["display_min_bp"] // 10_000):
        return Reject.DISPLAY_QTY_INVALID
    return 0


def _refuse_options(instrument: Instrument, c: dict) -> int:
    """Minimum quantity, display, post-only, self-match instruction."""
    product = instrument.product
    features = product["features"]
    limit = c["ord_type"] == w.LIMIT
    if c["min_qty"]:
        taken = limit and c["time_in_force"] == w.IOC and features & w.HAS_MIN_QTY
        if not taken or not 1 <= c["min_qty"] <= c["qty"]:
            return Reject.MIN_QTY_INVALID
    resting = limit and c["time_in_force"] in RESTING_TIMES
    if refuse_display(product, resting, c["display_qty"], c["qty"]):
        return Reject.DISPLAY_QTY_INVALID
    if c["exec_inst"] & 1 and not (resting and features & w.HAS_POST_ONLY):
        return Reject.POST_ONLY_INVALID
    known = (0, w.SMP_RESTING, w.SMP_AGGRESSING, w.SMP_BOTH, w.SMP_DECREMENT)
    if c["self_match"] not in known:
        return Reject.SELF_MATCH_INVALID
    return 0


def refuse_position_effect(venue: NaiveExchange, instrument: Instrument, c: dict) -> int:
    """M-52 for a new order."""
    product, effect = instrument.product, c["position_effect"]
    if not effect:
        required = product["features"] & w.POSITION_EFFECT_REQUIRED
        return Reject.POSITION_EFFECT_REQUIRED if required else 0
    gross = product["position_mode"] == w.GROSS
    known = (w.OPEN, w.CLOSE, w.CLOSE_TODAY, w.CLOSE_YESTERDAY) if gross else (w.OPEN, w.CLOSE)
    if effect not in known:
        return Reject.POSITION_EFFECT_INVALID
    return refuse_close(venue, instrument, c["account"], c["side"], effect, c["qty"], None)


def closed_bucket(side: int, effect: int) -> str:
    """The bucket from which a closing order takes (M-51)."""
    closed = "short" if side == w.BUY else "long"
    return f"{closed}_{'today' if effect == w.CLOSE_TODAY else 'before'}"


def refuse_close(
    venue: NaiveExchange,
    instrument: Instrument,
    account: int,
    side: int,
    effect: int,
    leaves: int,
    replaced: Order | None,
) -> int:
    """M-52: all that closes a bucket, this included, is at most the bucket."""
    if instrument.product["position_mode"] != w.GROSS or effect in (0, w.OPEN):
        return 0
    bucket = closed_bucket(side, effect)
    for order in [*instrument.orders[side], *instrument.stops]:
        closes = order.position_effect not in (0, w.OPEN)
        own = order.account == account and order.side == side
        if closes and own and order is not replaced:
            same = closed_bucket(side, order.position_effect) == bucket
            leaves += order.leaves if same else 0
    if leaves > venue.buckets(account, instrument.number)[bucket]:
        return Reject.CLOSE_EXCEEDS_POSITION
    return 0


def refuse_risk(
    venue: NaiveExchange, instrument: Instrument, c: dict, leaves: int, replaced: Order | None
) -> int:
    """M-60 to M-65; of a replace `c` holds the order's side, account, effect and the new price."""
    limits = venue.accounts[c["account"]]
    own = [one for one in orders_of(venue, c["account"]) if one is not replaced]
    if replaced is None and len(own) + 1 > limits["open_orders_max"]:
        return Reject.OPEN_ORDERS_MAX
    reason = refuse_sums(venue, instrument, c, leaves, own)
    return reason or refuse_rate(venue, c["account"], limits["orders_per_second_max"])


def orders_of(venue: NaiveExchange, account: int) -> list[Order]:
    """The living orders of an account."""
    return [order for order in venue.live.values() if order.account == account]


def refuse_sums(
    venue: NaiveExchange, instrument: Instrument, c: dict, leaves: int, own: list[Order]
) -> int:
    """M-61 to M-64: with the account's other orders."""
    limits = venue.accounts[c["account"]]
    reason = refuse_exposure(venue, instrument, c, leaves, own)
    if reason:
        return reason
    notional = abs(risk_price(instrument, c)) * instrument.product["multiplier"] * leaves
    if notional > limits["order_notional_max"] * 1_000:
        return Reject.ORDER_NOTIONAL_MAX
    currency = instrument.product["currency"]
    for order in own:
        product = venue.instruments[order.instrument].product
        if product["currency"] == currency:
            notional += abs(order.price) * product["multiplier"] * order.leaves
    if notional > limits["open_notional_max"] * 1_000:
        return Reject.OPEN_NOTIONAL_MAX
    return 0


def refuse_exposure(
    venue: NaiveExchange, instrument: Instrument, c: dict, leaves: int, own: list[Order]
) -> int:
    """M-61, M-62."""
    if instrument.legs:
        return spreads.refuse_legs(venue, instrument, c, leaves, own)
    gross = instrument.product["position_mode"] == w.GROSS
    if gross and c["position_effect"] != w.OPEN:
        return 0
    buckets = venue.buckets(c["account"], instrument.number)
    total = leaves + sum(
        lots
        for order in own
        for number, side, lots in spreads.open_in(venue, order)
        if (number, side) == (instrument.number, c["side"])
        and (not gross or order.position_effect == w.OPEN)
    )
    limits = venue.accounts[c["account"]]
    if c["side"] == w.BUY:
        held = buckets["long_today"] + buckets["long_before"] if gross else buckets["net"]
        too_much = held + total > limits["position_long_max"]
        return Reject.POSITION_LONG_MAX if too_much else 0
    held = buckets["short_today"] + buckets["short_before"] if gross else -buckets["net"]
    too_much = held + total > limits["position_short_max"]
    return Reject.POSITION_SHORT_MAX if too_much else 0


def risk_price(instrument: Instrument, c: dict) -> int:
    """M-63: the price an order counts at."""
    if c["ord_type"] != w.MARKET:
        return stops.own_price(c)
    return instrument.high if c["side"] == w.BUY else instrument.reference


def refuse_rate(venue: NaiveExchange, account: int, most: int) -> int:
    """M-65; counts the order unless it is refused here."""
    second = venue.command["time_ns"] // 1_000_000_000
    counted_second, count = venue.rates.get(account, (second, 0))
    if counted_second != second:
        count = 0
    if count + 1 > most:
        return Reject.ORDERS_PER_SECOND_MAX
    venue.rates[account] = (second, count + 1)
    return 0


def _refuse_room(venue: NaiveExchange, instrument: Instrument, c: dict) -> int:
    """The last two checks of M-11."""
    own = sum(order.member == c["member"] for order in venue.live.values())
    full = len(venue.live) >= venue.bounds.orders
    if full or own + 1 > venue.members[c["member"]]["orders_max"]:
        return Reject.ORDERS_FULL
    if c["exec_inst"] & 1 and would_trade(venue, instrument, c["side"], c["price"]):
        return Reject.POST_ONLY_WOULD_TRADE
    return 0


def would_trade(venue: NaiveExchange, instrument: Instrument, side: int, price: int) -> bool:
    """M-25; in a call nothing trades at once."""
    if instrument.calling:
        return False
    if implied.would_trade(venue, instrument, side, price):
        return True
    sign = 1 if side == w.BUY else -1
    return any(sign * resting.price <= sign * price for resting in instrument.contra(side))


def refuse_cancel(venue: NaiveExchange, c: dict) -> int:
    """M-15."""
    if c["instrument"] not in venue.instruments:
        return Reject.UNKNOWN_INSTRUMENT
    row = venue.named_request(c)
    order = venue.request_orders.get(row)
    if order is None:
        return Reject.UNKNOWN_ORDER
    if order.order_id not in venue.live:
        return Reject.TOO_LATE
    if order.request != row:
        return Reject.UNKNOWN_ORDER
    if c["instrument"] != order.instrument or c["side"] not in (0, order.side):
        return Reject.ORDER_MISMATCH
    takes = w.TAKE_REPLACE if c["kind"] == w.REPLACE else w.TAKE_CANCEL
    if venue.instruments[order.instrument].phase not in takes:
        return Reject.PHASE_TAKES_NO_CANCELS
    calls = venue.instruments[order.instrument].phase in w.CALLS
    if c["kind"] == w.REPLACE and order.stop_price is not None and calls:
        return Reject.ORDER_NOT_FOR_CALL
    return 0


def refuse_replace(venue: NaiveExchange, c: dict) -> int:
    """M-17."""
    if is_killed(venue, c):
        return Reject.KILLED
    if venue.halted:
        return Reject.VENUE_HALTED
    reason = refuse_cancel(venue, c)
    if reason:
        return reason
    order = venue.named_order(c)
    assert order is not None
    instrument = venue.instruments[order.instrument]
    for name in ("account", "ord_type", "time_in_force", "position_effect"):
        if c[name] not in (0, getattr(order, name)):
            return Reject.NOT_AMENDABLE
    if c["min_qty"] > 0 or (c["exec_inst"] & 1 and not order.post_only):
        return Reject.NOT_AMENDABLE
    if c["qty"] < 1:
        return Reject.QTY_NOT_POSITIVE
    if c["qty"] > instrument.product["qty_max"]:
        return Reject.QTY_ABOVE_MAX
    if c["qty"] <= order.cum_qty:
        return Reject.TOO_LATE
    leaves = c["qty"] - order.cum_qty
    kept = ("account", "side", "ord_type", "position_effect")
    asked = c | {name: getattr(order, name) for name in kept}
    reason = (
        refuse_expire_date(instrument, order.time_in_force, c["expire_date"])
        or refuse_prices(instrument, asked)
        or refuse_display(instrument.product, order.ord_type == w.LIMIT, c["display_qty"], c["qty"])
        or refuse_close(
            venue,
            instrument,
            order.account,
            order.side,
            order.position_effect,
            leaves,
            replaced=order,
        )
    )
    if reason:
        return reason
    reason = refuse_risk(venue, instrument, asked, leaves, replaced=order)
    if reason:
        return reason
    if order.post_only and would_trade(venue, instrument, order.side, c["price"]):
        return Reject.POST_ONLY_WOULD_TRADE
    return 0

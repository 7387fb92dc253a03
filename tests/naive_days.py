"""Definitions, rolls and halts of the naive exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests import naive_amend as amend
from tests import naive_blocks as blocks
from tests import naive_mass as mass
from tests import naive_phases as phases
from tests import naive_quotes as quotes
from tests import naive_settle as settle
from tests import naive_spreads as spreads
from tests import naive_words as w
from tests.naive_state import Instrument, Order

if TYPE_CHECKING:
    from tests.naive import NaiveExchange


def ignore(venue: NaiveExchange, command: dict) -> None:
    """M-8: a kind that is not listed."""


def define_product(venue: NaiveExchange, command: dict) -> None:
    """M-7, M-8."""
    row = command["row"]
    if row is None or not 1 <= row["product"] <= venue.bounds.products:
        return
    if row["product"] not in venue.products and is_sound(row, list(venue.products.values())):
        venue.products[row["product"]] = row
        venue.emit(w.PRODUCT_DEFINED, product=row["product"])


def is_sound(row: dict, others: list[dict]) -> bool:
    """The bounds of a product (M-8)."""
    amounts = row["tick"] > 0 and row["tick"] % 1_000 == 0
    amounts = amounts and row["multiplier"] >= 1 and row["qty_max"] >= 1
    shares = row["limit_bp"] < 10_000 and row["display_min_bp"] <= 10_000
    known = row["price_rule"] in (w.RESTING, w.MEDIAN3) and row["currency"] in (1, 2)
    mode = row["position_mode"] == w.NETTING and not row["features"] & w.CLOSING_FIRST
    if row["position_mode"] == w.GROSS:
        features = row["features"]
        mode = bool(features & w.POSITION_EFFECT_REQUIRED and not features & w.HAS_GTC_GTD)
    one_shard = row["shard"] <= 127
    one_shard = one_shard and all(row["shard"] == other["shard"] for other in others)
    return amounts and shares and known and mode and one_shard and settles_soundly(row)


def settles_soundly(row: dict) -> bool:
    """M-201, M-211."""
    seconds = row["settle_window_seconds"]
    window = seconds <= 60 or (seconds <= 3_600 and seconds % 60 == 0)
    if row["features"] & w.SETTLE_WINDOW and not seconds:
        return False
    return window and row["locked_1_bp"] <= row["locked_2_bp"] < 10_000


def define_instrument(venue: NaiveExchange, command: dict) -> None:
    """M-7, M-12."""
    row = command["row"]
    if row is None or not 1 <= row["instrument"] <= venue.bounds.instruments:
        return
    if row["product"] not in venue.products or row["instrument"] in venue.instruments:
        return
    tick = venue.products[row["product"]]["tick"]
    legs = spreads.legs_of(venue, row)
    if legs is None or row["reference_price"] % tick:
        return
    if not legs and row["reference_price"] < tick:
        return
    instrument = Instrument(
        number=row["instrument"],
        product=venue.products[row["product"]],
        trading_date=row["trading_date"],
        last_trading_date=row["last_trading_date"],
        first_trading_date=row["first_trading_date"],
        maturity=row["maturity"],
        legs=legs,
    )
    set_reference(instrument, row["reference_price"])
    instrument.last = instrument.reference
    venue.instruments[instrument.number] = instrument
    emit_limits(venue, w.INSTRUMENT_DEFINED, instrument)
    emit_limits(venue, w.LIMITS_SET, instrument)


def set_reference(instrument: Instrument, reference: int) -> None:
    """M-12, M-231."""
    if instrument.legs:
        spreads.set_reference(instrument, reference)
    else:
        instrument.set_reference(reference)


def emit_limits(venue: NaiveExchange, kind: int, instrument: Instrument) -> None:
    """M-12: reference, low and high limit."""
    venue.emit(
        kind,
        instrument=instrument.number,
        price=instrument.reference,
        cum_value=instrument.low,
        leaves_qty=instrument.high,
    )


def define_member(venue: NaiveExchange, command: dict) -> None:
    """M-7."""
    row = command["row"]
    if row is not None and 1 <= row["member"] <= venue.bounds.members:
        venue.members[row["member"]] = row
        venue.emit(w.MEMBER_SET, member=row["member"])


def define_account(venue: NaiveExchange, command: dict) -> None:
    """M-7."""
    row = command["row"]
    if row is None or not 1 <= row["account"] <= venue.bounds.accounts:
        return
    if 1 <= row["member"] <= venue.bounds.members:
        if not 0 <= row["quote_window_ms"] <= 3_600_000:
            return
        before = venue.accounts.get(row["account"], row)
        if before["quote_window_ms"] != row["quote_window_ms"]:
            quotes.forget_fills(venue, row["account"])
        venue.accounts[row["account"]] = row | {"member": before["member"]}
        venue.emit(w.ACCOUNT_SET, account=row["account"], member=before["member"])


def define_session(venue: NaiveExchange, command: dict) -> None:
    """M-7."""
    row = command["row"]
    if row is None or not 1 <= row["session"] <= venue.bounds.sessions:
        return
    if 1 <= row["member"] <= venue.bounds.members:
        member = venue.session_members.setdefault(row["session"], row["member"])
        venue.emit(w.SESSION_SET, session=row["session"], member=member)


def roll_product(venue: NaiveExchange, command: dict) -> None:
    """M-70."""
    number, next_date = command["product"], command["trading_date"]
    if number not in venue.products:
        return
    instruments = [
        venue.instruments[instrument]
        for instrument in sorted(venue.instruments)
        if venue.instruments[instrument].product["product"] == number
    ]
    found = settle.settlements(venue, number)
    for order in mass.by_order_id(venue):
        instrument = venue.instruments[order.instrument]
        if instrument in instruments:
            reason = why_expired(order, instrument, next_date)
            if reason:
                venue.take_off(order, w.EXPIRED, w.STATUS_EXPIRED, reason)
    for instrument in instruments:
        if not instrument.expired:
            price = found.get(instrument.number) or (spreads.settlement(instrument), 0)
            roll_instrument(venue, instrument, next_date, price)
    for (_account, instrument_id), buckets in venue.positions.items():
        if venue.instruments[instrument_id] in instruments:
            for side in ("long", "short"):
                buckets[f"{side}_before"] += buckets[f"{side}_today"]
                buckets[f"{side}_today"] = 0


def why_expired(order: Order, instrument: Instrument, next_date: int) -> int:
    """The reason for which an order does not see the next date; 0: it does."""
    if instrument.last_trading_date < next_date:
        return w.INSTRUMENT_EXPIRED_REASON
    if order.time_in_force == w.DAY:
        return w.DAY_END
    if order.time_in_force == w.GTD and order.expire_date < next_date:
        return w.EXPIRE_DATE
    return 0


def roll_instrument(
    venue: NaiveExchange, instrument: Instrument, next_date: int, found: tuple[int, int]
) -> None:
    """M-70, M-71: settlement, then the end or the next day's limits."""
    settlement, reason = found
    instrument.open_interest = open_interest(venue, instrument.number)
    venue.emit(
        w.SETTLED,
        instrument=instrument.number,
        price=settlement,
        reason=reason,
        qty=instrument.volume + instrument.block_volume,
        cum_value=instrument.value + instrument.block_value,
        leaves_qty=instrument.open_interest,
    )
    instrument.volume = instrument.value = 0
    instrument.block_volume = instrument.block_value = 0
    if instrument.last_trading_date < next_date:
        venue.emit(w.INSTRUMENT_EXPIRED, instrument=instrument.number)
        instrument.expired, instrument.reference = True, settlement
        instrument.open_interest = 0
        if instrument.phase:
            instrument.phase, instrument.phase_end = w.PHASE_EXPIRED, 0
        return
    settle.end_date(instrument)
    instrument.trading_date = next_date
    set_reference(instrument, settlement)
    instrument.last, instrument.prices = instrument.reference, []
    emit_limits(venue, w.LIMITS_SET, instrument)
    venue.events[-1]["qty"] = instrument.locked_days
    suspend(venue, instrument)
    phases.indicate(venue, instrument.number)
    for order in mass.by_order_id(venue):
        prices = [order.price, order.stop_price or order.price]
        beyond = not instrument.low <= min(prices) <= max(prices) <= instrument.high
        if order.instrument == instrument.number and beyond:
            venue.take_off(order, w.EXPIRED, w.STATUS_EXPIRED, w.BEYOND_LIMITS)


def open_interest(venue: NaiveExchange, number: int) -> int:
    """M-249: what all accounts together are long."""
    lots = 0
    for (_account, instrument), b in venue.positions.items():
        if instrument == number:
            sides = b["net"], b["long_today"] + b["long_before"]
            lots += sum(side for side in sides if side > 0)
            lots += max(0, -b["short_today"] - b["short_before"])
    return lots


def suspend(venue: NaiveExchange, instrument: Instrument) -> None:
    """M-212."""
    if instrument.suspended:
        instrument.suspended = False
        if instrument.was_none:
            phases.enter(venue, instrument, w.NO_PHASE, 0, w.LOCKED_DAYS_REASON)
    elif instrument.locked_days == 3 and instrument.trading_date < instrument.last_trading_date:
        instrument.suspended = True
        instrument.was_none = instrument.phase == w.NO_PHASE
        if (instrument.phase, instrument.phase_end) != (w.CLOSED, 0):
            phases.enter(venue, instrument, w.CLOSED, 0, w.LOCKED_DAYS_REASON)
            instrument.close = None


def roll_day(venue: NaiveExchange, command: dict) -> None:
    """M-72: the request rows of living orders open the next day's table."""
    venue.emit(w.DAY_ROLLED, trading_date=command["trading_date"])
    old = venue.requests
    venue.requests, venue.request_orders = [{}], {}
    venue.request_ids, venue.requests_used, venue.quoting = {}, {}, 0
    quotes: dict[int, int] = {}  # a row that several orders of a mass quote name is copied once
    venue.tape.waiting = []
    for order in mass.by_order_id(venue):
        if order.quote and order.request in quotes:
            order.request = quotes[order.request]
            continue
        row = len(venue.requests)
        copied = old[order.request]
        venue.requests.append(copied)
        if order.quote:
            quotes[order.request] = row
        else:
            venue.request_orders[row] = order
        venue.request_ids[(order.member, *copied["cl_ord_id"])] = row
        venue.requests_used[order.member] = venue.requests_used.get(order.member, 0) + 1
        order.request = row


def halt(venue: NaiveExchange, command: dict) -> None:
    """M-73."""
    venue.halted = True
    venue.emit(w.HALTED, reason=command["reason"])


def resume(venue: NaiveExchange, command: dict) -> None:
    """M-73."""
    venue.halted = False
    venue.emit(w.RESUMED)


HANDLERS = {
    w.DEFINE_PRODUCT: define_product,
    w.DEFINE_INSTRUMENT: define_instrument,
    w.DEFINE_MEMBER: define_member,
    w.DEFINE_ACCOUNT: define_account,
    w.DEFINE_SESSION: define_session,
    w.ROLL_PRODUCT: roll_product,
    w.ROLL_DAY: roll_day,
    w.HALT: halt,
    w.RESUME: resume,
    w.BUST_TRADE: amend.amend,
    w.REPORT_BLOCK: blocks.report,
    w.CORRECT_TRADE: amend.amend,
}

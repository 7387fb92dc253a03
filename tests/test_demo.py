"""The demo's parts that need no venue: market, desk, traders, view."""

from __future__ import annotations

import io
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from gateway.demo_day import Taking
from gateway.demo_desk import BUY, SELL, Desk, QuoteSide
from gateway.demo_maker import LEVELS_MAX, MAKER_MESSAGES_MAX, Maker, QuoteTerms
from gateway.demo_market import LIMIT_SHARE_MAX, Market
from gateway.demo_members import Trader, traders
from gateway.demo_view import (
    Call,
    CurvePoint,
    Level,
    Moment,
    Rates,
    Screen,
    TradePrint,
    curve_lines,
    plain_line,
    render,
    shape,
)
from gateway.message import Message
from specs.products import load_products

DAY = date(2026, 11, 20)
TICK = 1_000_000
CATALOGUE = load_products()


def message(**tags: object) -> Message:
    """A message of tags such as t35="8", as the desk reads it."""
    raw, fields = b"", []
    for name, value in tags.items():
        text = str(value).encode()
        fields.append((int(name[1:]), len(raw) + len(name), len(text)))
        raw += f"{name[1:]}=".encode() + text + b"\x01"
    return Message(raw, fields, None)


class Sent(list):
    """What a desk sent, as dictionaries of tags; `raw`: as given, with repeated tags."""

    def __init__(self) -> None:
        super().__init__()
        self.raw: list[tuple[bytes, tuple]] = []

    def __call__(self, msg_type: bytes, fields: tuple) -> None:
        self.raw.append((msg_type, fields))
        self.append({35: msg_type.decode(), **dict(fields)})


@pytest.fixture
def market() -> Market:
    return Market(CATALOGUE, DAY, 1)


def test_same_seed_gives_the_same_market():
    first, second, other = (Market(CATALOGUE, DAY, seed) for seed in (1, 1, 2))
    for _ in range(50):
        for one in (first, second, other):
            one.step(0.1)
    prices = [{symbol: one.fair(symbol) for symbol in one.contracts} for one in (first, second)]
    assert prices[0] == prices[1]
    assert prices[0] != {symbol: other.fair(symbol) for symbol in other.contracts}


@given(st.integers(0, 1_000))
def test_fair_prices_stay_inside_the_daily_limits(seed: int):
    market = Market(CATALOGUE, DAY, seed)
    market.step(60.0)
    for symbol, contract in market.contracts.items():
        reference = float(contract.product.reference_price)
        bound = float(contract.product.daily_limit_percent) / 100 * LIMIT_SHARE_MAX
        assert abs(market.fair(symbol) / reference - 1) <= bound + 1e-9


def test_the_curve_goes_both_ways(market: Market):
    near, *_, far = market.symbols("SITB")
    seen = set()
    for _ in range(600):
        market.step(1.0)
        seen.add(market.fair(near) > market.fair(far))
    assert seen == {True, False}


def test_a_desk_follows_its_order_through_replace_fill_and_cancel(market: Market):
    sent = Sent()
    desk = Desk("ALPHA", sent, lambda: 0)
    contract = market.contracts["SITB2612"]
    order = desk.new(contract, BUY, 10, 2000)
    assert sent[0] | {60: ""} == {
        35: "D", 11: "ALPHA-1", 55: "SITB2612", 54: "1", 60: "", 38: 10, 40: "2", 44: "2.000",
        59: "0",
    }  # fmt: skip
    desk.take(message(t35="8", t11="ALPHA-1", t150="0", t39="0", t151=10, t14=0))
    assert not order.pending
    desk.take(message(t35="8", t11="ALPHA-1", t150="F", t39="1", t151=6, t14=4, t32=4))
    assert (order.leaves, order.cum, desk.position("SITB2612")) == (6, 4, 4)
    desk.replace(order, 2001, 6)
    assert (sent[1][41], sent[1][11], sent[1][38], sent[1][44]) == (
        "ALPHA-1",
        "ALPHA-2",
        10,
        "2.001",
    )
    desk.take(message(t35="8", t11="ALPHA-2", t41="ALPHA-1", t150="5", t39="1", t151=6, t14=4))
    assert (order.cl_ord_id, order.price_ticks, order.pending) == ("ALPHA-2", 2001, False)
    desk.cancel(order)
    desk.take(message(t35="8", t11="ALPHA-3", t41="ALPHA-2", t150="4", t39="4", t151=0, t14=4))
    assert order.done and not desk.orders
    assert (desk.counts.orders, desk.counts.replaces, desk.counts.cancels) == (1, 1, 1)
    assert (desk.counts.fills, desk.counts.rejects) == (1, 0)


def test_a_desk_survives_rejects_and_late_cancels(market: Market):
    desk = Desk("ALPHA", Sent(), lambda: 0)
    contract = market.contracts["SITB2612"]
    refused = desk.new(contract, SELL, 10, 2000)
    desk.take(message(t35="8", t11="ALPHA-1", t150="8", t39="8", t151=0, t14=0, t58="no"))
    assert refused.done and desk.counts.reject_texts == {"no": 1}
    filled = desk.new(contract, SELL, 10, 2000)
    desk.take(message(t35="8", t11="ALPHA-2", t150="0", t39="0", t151=10, t14=0))
    desk.cancel(filled)
    desk.take(message(t35="8", t11="ALPHA-2", t150="F", t39="2", t151=0, t14=10, t32=10))
    desk.take(message(t35="9", t11="ALPHA-3", t41="ALPHA-2", t39="2", t102=0))
    assert filled.done and desk.position("SITB2612") == -10
    assert desk.counts.rejects == 1 and not desk.orders


def test_a_desk_follows_its_quotes(market: Market):
    sent = Sent()
    desk = Desk("MAKER1", sent, lambda: 0)
    contracts = [market.contracts[symbol] for symbol in ("SITB2612", "SITB2701")]
    desk.quote("MAKER1-2", [(one, QuoteSide(1999, 10), QuoteSide(2001, 12)) for one in contracts])
    assert sent.raw[0] == (
        b"i",
        (
            (117, "MAKER1-Q1"), (1, "MAKER1-2"), (296, 1), (302, 1), (295, 2),
            (299, 1), (55, "SITB2612"), (132, "1.999"), (133, "2.001"), (134, 10), (135, 12),
            (299, 2), (55, "SITB2701"), (132, "1.999"), (133, "2.001"), (134, 10), (135, 12),
        ),
    )  # fmt: skip
    first, second = (desk.quotes["MAKER1-2", one.symbol] for one in contracts)
    filled = {"t35": "8", "t1": "MAKER1-2", "t55": "SITB2612", "t54": "2", "t150": "F", "t39": "1"}
    desk.take(message(t11="MAKER1-Q0", t32=4, t151=1, **filled))
    assert desk.waits and first.leaves == {BUY: 10, SELL: 12}, "a fill of the quote before"
    desk.take(message(t35="b", t117="MAKER1-Q1", t1="MAKER1-2", t297="0"))
    desk.take(message(t35="b", t117="MAKER1-Q1", t1="MAKER1-2", t297="5", t55="SITB2701", t58="no"))
    desk.take(message(t11="MAKER1-Q1", t32=5, t151=7, **filled))
    assert not desk.waits and first.leaves == {BUY: 10, SELL: 7} and not second.leaves
    assert desk.position("SITB2612") == -9 and desk.counts.reject_texts == {"no": 1}
    desk.cancel_quotes(contracts[0])
    assert sent[1] == {35: "Z", 117: "MAKER1-Q2", 298: "1", 295: 1, 55: "SITB2612"}
    assert desk.waits and not first.leaves
    desk.take(message(t35="b", t117="MAKER1-Q2", t297="1"))
    counts = desk.counts
    assert (counts.quotes, counts.quote_cancels, counts.sent, desk.waits) == (2, 1, 3, False)


def confirm(desk: Desk) -> None:
    """Acknowledges everything that is due on a desk."""
    for quote in desk.quotes.values():
        if quote.asked_id:
            desk.take(message(t35="b", t117=quote.asked_id, t297="0"))
    for cl_ord_id, order in reversed(list(desk.orders.items())):
        if order.pending:
            exec_type = "0" if cl_ord_id == order.cl_ord_id else "5"
            exec_type = exec_type if order.asked_ticks or exec_type == "0" else "4"
            status = "4" if exec_type == "4" else "0"
            desk.take(
                message(t35="8", t11=cl_ord_id, t41=order.cl_ord_id, t150=exec_type, t39=status,
                        t151=order.qty if status == "0" else 0, t14=0)
            )  # fmt: skip


def test_traders_send_bounded_numbers_of_messages_that_make_sense(market: Market):
    sent = Sent()
    desks: dict[str, Desk] = {}

    def desk_of(name: str) -> Desk:
        return desks.setdefault(name, Desk(name, sent, lambda: 0))

    everyone: list[Trader] = list(traders(market, "SITB", 1, desk_of))
    assert set(desks) == {"ALPHA", "BRAVO", "CHARLIE", "DELTA", "MAKER1", "MAKER2"}
    for turn in range(200):
        market.step(0.05)
        for trader in everyone:
            before = len(sent)
            trader.act(turn * 0.05)
            assert len(sent) - before <= MAKER_MESSAGES_MAX + LEVELS_MAX
            confirm(trader.desk)
    assert {tags[35] for tags in sent} == {"D", "F", "G", "i"}
    for tags in sent:
        contract = market.contracts[tags[55]]
        if contract.product.position_effect == "required" and tags[35] == "D":
            assert tags[77] in ("O", "T")
        if 111 in tags:
            assert 10 * tags[111] >= tags[38] > tags[111]
    makers = [trader for trader in everyone if isinstance(trader, Maker)]
    assert all(trader.desk.counts.quotes > 200 for trader in makers)
    assert all(trader.desk.counts.orders == 0 for trader in makers)


def test_a_maker_quotes_while_it_trades_and_enters_orders_in_calls(market: Market):
    sent, phase = Sent(), [Taking.CALL]
    desk = Desk("MAKER1", sent, lambda: 0)
    terms = [QuoteTerms(symbol, 2, 1, 1, 20) for symbol in ("SITB2612", "SITB2701")]
    maker = Maker(desk, market, terms, "seed", lambda symbol: phase[0])

    def messages(taking: Taking) -> list[str]:
        """What it sends at most three turns after a phase began, all of it confirmed."""
        phase[0], before = taking, len(sent)
        for _ in range(3):
            maker.act(0.0)
            confirm(desk)
        return [tags[35] for tags in sent[before:]]

    assert messages(Taking.CALL) == ["D"] * 4
    assert messages(Taking.ENTRY) == messages(Taking.NOTHING) == []
    assert messages(Taking.ALL) == ["F"] * 4 + ["i"] * 2
    accounts = [account for account, symbol in desk.quotes if symbol == "SITB2701"]
    assert accounts == ["MAKER1-2", "MAKER1"]
    assert messages(Taking.CALL) == ["Z", "D", "D"] * 2


TRADING = Moment("Mon 23 Nov 06:12:00", "continuous trading", "15:30:00", None, 2001 * TICK)
CALL = Moment(
    "Tue 24 Nov 19:00:00", "pre-open", "21:00:00", Call(2001 * TICK, 1_234, -56), 2001 * TICK
)


def screen(levels: int = 12, curve: int = 10, moment: Moment = TRADING) -> Screen:
    return Screen(
        symbol="SITB2612",
        title="AI-token futures, simulated members over FIX",
        unit="USD per million SIT",
        tick=TICK,
        bids=[Level((2000 - i) * TICK, 10 + i, 1) for i in range(levels)],
        asks=[Level((2002 + i) * TICK, 10 + i, 1) for i in range(levels)],
        trades=[TradePrint("12:00:00", "SITB2612", 2001 * TICK, 5, b) for b in (True, None, False)]
        * (levels // 3),
        curve=[CurvePoint(f"27{i:02d}", (2010 - 3 * i) * TICK, 2000 * TICK) for i in range(curve)],
        curve_name="SITB",
        rates=Rates(812, 1630, 42, 120, 123_456, 4567, 89_012),
        members=[(name, 123_456) for name in ("ALPHA", "BRAVO", "CHARLIE", "DELTA", "MAKER1")],
        elapsed_s=61.2,
        moment=moment,
        events=["06:00:12 SITB2612 paused: circuit breaker; reopens by auction 09:00:12"] * levels,
        note="seed 1",
    )


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (100, 30), (60, 20)])
@pytest.mark.parametrize("levels", [0, 1, 12])
@pytest.mark.parametrize("curve", [0, 1, 10])
@pytest.mark.parametrize("moment", [TRADING, CALL])
def test_the_view_fills_the_terminal_exactly(
    size: tuple[int, int], levels: int, curve: int, moment: Moment
):
    console = Console(width=size[0], height=size[1], record=True, file=io.StringIO())
    console.print(render(screen(levels, curve, moment), *size), height=size[1])
    lines = console.export_text().rstrip("\n").split("\n")
    assert len(lines) == size[1]
    assert all(len(line) <= size[0] for line in lines)


def test_the_view_shows_best_prices_spread_and_curve():
    console = Console(width=80, height=24, record=True, file=io.StringIO())
    console.print(render(screen(), 80, 24), height=24)
    text = console.export_text()
    for part in ("2.002", "2.000", "spread 2 ticks", "backwardation -1.3 %", "2709", "1,630"):
        assert part in text


def shown(moment: Moment, levels: int = 12) -> str:
    console = Console(width=110, height=36, record=True, file=io.StringIO())
    console.print(render(screen(levels, moment=moment), 110, 36), height=36)
    return console.export_text()


def test_the_view_shows_phase_auction_and_events():
    text = shown(TRADING)
    for part in (
        "continuous trading  until 15:30:00  last auction 2.001",
        "Mon 23 Nov 06:12:00 UTC",
        "06:00:12 SITB2612 paused: circuit breaker; reopens by auction 09:00:12",
        "■ auction",
    ):
        assert part in text
    assert "indicative" not in text


def test_the_view_shows_what_a_call_would_give():
    text = shown(CALL)
    assert "pre-open  until 21:00:00  indicative 2.001, 1,234 lots, 56 more offered" in text
    assert "2.001  indicative" in text and "spread" not in text
    hidden = CALL._replace(call=Call(2001 * TICK, 0, 0))
    assert "orders are hidden" not in shown(hidden)
    assert "indicative 2.001" in shown(hidden) and "lots, " not in shown(hidden)
    assert "2.001  indicative   orders are hidden" in shown(hidden, levels=0)
    assert "indicative -" in shown(CALL._replace(call=Call(0, 0, 0)))
    assert "bids below cross" not in text
    crossed = Console(width=110, height=36, record=True, file=io.StringIO())
    level = [Level(2001 * TICK, 5, 1)]
    crossed.print(render(screen(moment=CALL)._replace(bids=level, asks=level), 110, 36), height=36)
    assert "2.001  indicative   bids below cross asks above" in crossed.export_text()


def test_plain_line_and_shape():
    assert "  pre-open  indicative 2.001, 1,234 lots, 56 more offered  SITB2612" in plain_line(
        screen(moment=CALL)
    )
    assert "Mon 23 Nov 06:12:00  continuous trading  SITB2612" in plain_line(screen())
    assert "SITB2612 2.000 / 2.002  last 2.001  backwardation -1.3 %" in plain_line(screen())
    assert "SITB2612 - / -" in plain_line(screen(0, 0))
    assert shape([CurvePoint("1", 100, 0), CurvePoint("2", 110, 0)]) == "contango +10.0 %"
    assert shape([CurvePoint("1", 100, 0), CurvePoint("2", 100, 0)]) == "flat"
    assert shape([CurvePoint("1", 100, 0), CurvePoint("2", 0, 0)]) == "no curve yet"
    assert len(curve_lines([CurvePoint("1", 100, 0)], 1, 76, 8)) == 8

"""Scenarios of what a trade at an implied price is to the rest of the venue (M-188, M-243)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    CHARLIE,
    DAY_2,
    account,
    bust,
    buy,
    product,
    quote,
    sell,
    spread,
    usual_venue,
)
from tests.exchanges import small_limits
from tests.scenarios import check

MONTHS = [product(1, features=ALL_FEATURES | w.IMPLIED_PRICES), *usual_venue()[1:]]
CALENDAR = spread(4, 1, 1, 2, last_trading_date=DAY_2)
NEAR, FAR, AT = {"instrument": 1}, {"instrument": 2}, {"instrument": 4}


def test_m243_a_trade_of_three_orders_is_not_remembered() -> None:
    """Neither for itself nor in the place of the one that had its row."""
    check(
        sell(ALPHA, "a0", 1, 100, **NEAR),
        buy(BRAVO, "b0", 1, 100, **NEAR),
        sell(ALPHA, "a1", 5, 103, **NEAR),
        buy(ALPHA, "a2", 5, 101, **FAR),
        buy(BRAVO, "b1", 1, 2, **AT),
        bust(2),
        bust(1),
        venue=[*MONTHS, CALENDAR],
        limits=small_limits(trades_max=1),
        events="""
            ACCEPTED o1 p1 @100 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 @100 qty 1 leaves 1 r2 s3
            FILL o2 t1 @100 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 1 cum 1 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @103 qty 5 leaves 5 shows 5 r3 s1
            ACCEPTED o4 p3 @101 qty 5 leaves 5 shows 5 r4 s1
            IMPLIED i4 SELL @2
            ACCEPTED o5 @2 qty 1 leaves 1 r5 s3
            FILL o5 t2 @2 qty 1 cum 1 r5 s3 IMPLIED AGGRESSOR
            FILL o3 p2 t2 @103 qty 1 of 5 leaves 4 cum 1 shows 4 of r3 s1 IMPLIED UNSOLICITED
            FILL o4 p3 t2 @101 qty 1 of 5 leaves 4 cum 1 shows 4 of r4 s1 IMPLIED UNSOLICITED
            FILL o5 t2 @103 qty 1 cum 1 r5 s3 IMPLIED AGGRESSOR LEG i1 BUY
            FILL o5 t2 @101 qty 1 cum 1 r5 s3 IMPLIED AGGRESSOR LEG i2 SELL
            TRADE_KEPT t2 UNKNOWN_TRADE
            TRADE_KEPT t1 UNKNOWN_TRADE
        """,
    )


def test_m188_quotes_from_before_a_spread_and_their_protection() -> None:
    """Fills at implied prices count; what is taken off implies nothing any more."""
    check(
        account(1, 1, quote_window_ms=1000, quote_executions_max=1),
        quote(ALPHA, "q1", (5, 99), (5, 103)),
        buy(CHARLIE, "c1", 5, 101, **FAR),
        CALENDAR,
        buy(BRAVO, "b1", 1, 2, **AT),
        venue=MONTHS,
        events="""
            ACCOUNT_SET
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 5 leaves 5 shows 5 of r1 QUOTE
            ACCEPTED o2 p2 @103 qty 5 leaves 5 shows 5 of r1 QUOTE
            ACCEPTED o3 p3 @101 qty 5 leaves 5 shows 5 r2 s4
            INSTRUMENT_DEFINED from -20 to 20
            LIMITS_SET from -20 to 20
            IMPLIED i4 SELL @2
            ACCEPTED o4 @2 qty 1 leaves 1 r3 s3
            FILL o4 t1 @2 qty 1 cum 1 r3 s3 IMPLIED AGGRESSOR
            FILL o2 p2 t1 @103 qty 1 of 5 leaves 4 cum 1 shows 4 of r1 s1 IMPLIED UNSOLICITED
            FILL o3 p3 t1 @101 qty 1 of 5 leaves 4 cum 1 shows 4 of r2 s4 IMPLIED UNSOLICITED
            FILL o4 t1 @103 qty 1 cum 1 r3 s3 IMPLIED AGGRESSOR LEG i1 BUY
            FILL o4 t1 @101 qty 1 cum 1 r3 s3 IMPLIED AGGRESSOR LEG i2 SELL
            QUOTES_PULLED a1
            CANCELLED o1 p1 @99 qty 5 of r1 s1 UNSOLICITED PROTECTION
            CANCELLED o2 p2 @103 qty 4 of 5 cum 1 of r1 s1 UNSOLICITED PROTECTION
            IMPLIED i4 SELL none
        """,
    )

"""Scenarios of section 1: numbers, times, fields of the event rows (M-1 to M-8)."""

from __future__ import annotations

import numpy as np

from engine.types import EVENT
from tests import naive_words as w
from tests.build import (
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    DAY_1,
    LAST_DAY,
    START_NS,
    TICK,
    Who,
    account,
    buy,
    cancel,
    command,
    gross_product,
    instrument,
    mass_cancel,
    member,
    number,
    product,
    replace,
    sell,
    session,
    session_lost,
    usual_venue,
)
from tests.exchanges import EngineVenue, NaiveVenue
from tests.scenarios import check

LAST = Who(31, 15, 15)


def test_m1_events_do_not_depend_on_batches_or_buffers() -> None:
    commands = number(
        [
            *usual_venue(),
            *(buy(ALPHA, f"b{i}", 3, 100 - i) for i in range(8)),
            sell(BRAVO, "s", 20, 93),
            mass_cancel(ALPHA, "m", w.SCOPE_MEMBER),
        ]
    )
    whole = EngineVenue().run_rows(commands)
    for size in (1, 2, 7):
        cut = EngineVenue().run_rows(commands, lambda size=size: (size, 16))
        assert cut.tobytes() == whole.tobytes()


def test_m2_numbers_count_from_one_and_refused_orders_take_none() -> None:
    check(
        sell(ALPHA, "a1", 5, 100),
        sell(ALPHA, "a2", 0, 100),
        sell(ALPHA, "a3", 5, 101),
        buy(BRAVO, "b1", 7, 101),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            REJECTED @100 r2 s1 QTY_NOT_POSITIVE
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r3 s1
            ACCEPTED o3 @101 qty 7 leaves 7 r4 s3
            FILL o3 t1 @100 qty 5 of 7 leaves 2 cum 5 r4 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            FILL o3 t2 @101 qty 2 of 7 cum 7 r4 s3 AGGRESSOR
            FILL o2 p2 t2 @101 qty 2 of 5 leaves 3 cum 2 shows 3 of r3 s1 UNSOLICITED
        """,
    )


def test_m2_the_shard_is_in_the_top_byte_of_order_and_trade_ids() -> None:
    venue = [product(1, shard=3), *usual_venue()[2:]]
    venue = [one for one in venue if one["row"].get("product") != 2]
    naive, engine = NaiveVenue(), EngineVenue()
    orders = [sell(ALPHA, "a1", 5, 100), buy(BRAVO, "b1", 5, 100)]
    commands = number([*venue, *orders])
    naive.run(commands)
    last = engine.run(commands)[-1]
    assert (last["order_id"], last["trade_id"]) == (3 << 56 | 1, 3 << 56 | 1)


def test_m2_shards_end_at_127() -> None:
    check(
        product(1, shard=128),
        product(1, shard=127),
        events="""
            PRODUCT_DEFINED
        """,
        venue=[],
    )


def test_m3_events_carry_the_time_of_their_command() -> None:
    _, engine = check(events="")
    got = engine.run(number([buy(ALPHA, "a1", 5, 100, time_ns=START_NS + 77)], 50))
    assert [event["time_ns"] for event in got] == [START_NS + 77]


def test_m4_sessions_requests_and_message_numbers_of_a_trade() -> None:
    """The resting side is told in its own session, without a message number of its own."""
    _, engine = check(events="")
    commands = [
        sell(ALPHA, "a1", 5, 100, msg_seq_num=70, time_ns=START_NS * 2),
        buy(BRAVO, "b1", 3, 100, msg_seq_num=90, time_ns=START_NS * 2),
    ]
    accepted, taken, aggressor, resting = engine.run(commands)
    assert (accepted["session"], accepted["msg_seq_num"], accepted["request"]) == (1, 70, 1)
    assert (taken["session"], taken["msg_seq_num"], taken["request"]) == (3, 90, 2)
    assert (aggressor["session"], aggressor["msg_seq_num"], aggressor["request"]) == (3, 90, 2)
    assert (resting["session"], resting["msg_seq_num"], resting["request"]) == (1, 0, 0)
    assert (resting["order_request"], resting["trading_date"], resting["product"]) == (1, DAY_1, 1)


def test_m4_a_slice_filled_to_nothing_still_names_its_public_id() -> None:
    check(
        sell(ALPHA, "a1", 5, 100),
        buy(BRAVO, "b1", 5, 100),
        sell(ALPHA, "a2", 5, 100),
        cancel(ALPHA, "a3", "a2"),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s3
            FILL o2 t1 @100 qty 5 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @100 qty 5 leaves 5 shows 5 r3 s1
            CANCELLED o3 p2 @100 qty 5 r4 of r3 s1
        """,
    )


def test_m5_the_last_event_of_a_command_is_marked() -> None:
    _, engine = check(events="")
    commands = number(
        [
            *(sell(ALPHA, f"a{i}", 1, 100) for i in range(3)),
            buy(BRAVO, "b1", 3, 100),
            mass_cancel(BRAVO, "b2", w.SCOPE_MEMBER),
        ],
        50,
    )
    marks = [event["flags"] & w.LAST_OF_COMMAND for event in engine.run(commands)]
    assert marks == [8, 8, 8, *[0] * 6, 8, 8]


def test_m6_a_trade_is_two_adjacent_rows_aggressor_first() -> None:
    check(
        sell(ALPHA, "a1", 2, 100),
        sell(CHARLIE, "c1", 2, 100),
        buy(BRAVO, "b1", 4, 100),
        events="""
            ACCEPTED o1 p1 @100 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 p2 @100 qty 2 leaves 2 shows 2 r2 s4
            ACCEPTED o3 @100 qty 4 leaves 4 r3 s3
            FILL o3 t1 @100 qty 2 of 4 leaves 2 cum 2 r3 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 2 cum 2 of r1 s1 UNSOLICITED
            FILL o3 t2 @100 qty 2 of 4 cum 4 r3 s3 AGGRESSOR
            FILL o2 p2 t2 @100 qty 2 cum 2 of r2 s4 UNSOLICITED
        """,
    )


def test_m7_definitions_answer_with_their_events() -> None:
    check(
        product(3),
        instrument(4, 3, ticks=200),
        member(4),
        account(5, 4),
        session(5, 4),
        events="""
            PRODUCT_DEFINED
            INSTRUMENT_DEFINED @200 from 180 to 220
            LIMITS_SET @200 from 180 to 220
            MEMBER_SET
            ACCOUNT_SET
            SESSION_SET s5
        """,
    )


def test_m7_products_and_instruments_are_defined_once_members_and_accounts_change() -> None:
    check(
        product(1, tick=1_000),
        instrument(1, 1, ticks=500),
        member(1, orders_max=1),
        account(1, 1, open_orders_max=0),
        session(1, 1),
        buy(ALPHA_2, "a1", 1, 100),
        buy(ALPHA_2, "a2", 1, 100),
        buy(ALPHA, "a3", 1, 100),
        events="""
            MEMBER_SET
            ACCOUNT_SET
            SESSION_SET s1
            ACCEPTED o1 p1 @100 qty 1 leaves 1 shows 1 r1 s2
            REJECTED @100 qty 1 r2 s2 ORDERS_FULL
            REJECTED @100 qty 1 r3 s1 OPEN_ORDERS_MAX
        """,
    )


def test_m8_every_field_of_a_report() -> None:
    """Field by field what the other scenarios leave to the comparison of the two exchanges."""
    _, engine = check(events="")
    sold, bought = number([sell(ALPHA, "a1", 5, 100), buy(BRAVO, "b1", 3, 101)], 50)
    first, accepted, aggressor, resting = engine.run([sold, bought])
    shared = {"trading_date": DAY_1, "product": 1, "instrument": 1, "ord_type": w.LIMIT}
    shared["time_in_force"] = w.DAY
    alpha = shared | {"order_id": 1, "order_request": 1, "session": 1, "account": 1, "member": 1}
    bravo = shared | {"order_id": 2, "order_request": 2, "session": 3, "account": 3, "member": 2}
    alpha |= {"side": w.SELL, "public_id": 1, "order_qty": 5}
    bravo |= {"side": w.BUY, "order_qty": 3}
    traded = {"trade_id": 1, "price": 100 * TICK, "qty": 3, "cum_qty": 3}
    traded["cum_value"] = 300 * TICK
    assert_fields(first, sold, alpha, price=100 * TICK, qty=5, leaves_qty=5, display_qty=5,
                  request=1, msg_seq_num=50, ord_status=w.STATUS_NEW, kind=w.ACCEPTED,
                  flags=w.LAST_OF_COMMAND)  # fmt: skip
    assert_fields(accepted, bought, bravo, price=101 * TICK, qty=3, leaves_qty=3, request=2,
                  msg_seq_num=51, ord_status=w.STATUS_NEW, kind=w.ACCEPTED)  # fmt: skip
    assert_fields(aggressor, bought, bravo | traded, request=2, msg_seq_num=51, kind=w.FILL,
                  ord_status=w.STATUS_FILLED, flags=w.AGGRESSOR)  # fmt: skip
    assert_fields(resting, bought, alpha | traded, leaves_qty=2, display_qty=2, kind=w.FILL,
                  ord_status=w.STATUS_PARTIALLY_FILLED,
                  flags=w.UNSOLICITED | w.LAST_OF_COMMAND)  # fmt: skip


def assert_fields(event: dict, of: dict, shared: dict, **fields: int) -> None:
    """The event has these fields, the command's time, and nothing else."""
    wanted = dict.fromkeys(EVENT.names, 0) | {"time_ns": of["time_ns"]} | shared | fields
    assert event == wanted


def test_m8_rejected_orders_carry_what_was_asked() -> None:
    _, engine = check(events="")
    asked = number([buy(ALPHA, "a1", 5, 100, instrument=99, account=88, display_qty=2)], 50)
    (event,) = engine.run(asked)
    assert_fields(event, asked[0], {}, price=100 * TICK, qty=5, order_qty=5, request=1,
                  order_request=1, session=1, account=88, instrument=99, msg_seq_num=50, member=1,
                  reason=1, kind=w.REJECTED, side=w.BUY, ord_type=w.LIMIT, time_in_force=w.DAY,
                  ord_status=w.STATUS_REJECTED, flags=w.LAST_OF_COMMAND)  # fmt: skip


def test_m8_a_replace_by_another_session_leaves_the_order_where_it_was() -> None:
    check(
        sell(ALPHA, "a1", 5, 101),
        replace(ALPHA_2, "a2", "a1", 5, 100),
        buy(BRAVO, "b1", 1, 100),
        events="""
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
            REPLACED o1 p2 @100 qty 5 leaves 5 shows 5 r2 s2
            ACCEPTED o2 @100 qty 1 leaves 1 r3 s3
            FILL o2 t1 @100 qty 1 cum 1 r3 s3 AGGRESSOR
            FILL o1 p2 t1 @100 qty 1 of 5 leaves 4 cum 1 shows 4 of r2 s1 UNSOLICITED
        """,
    )


def test_m8_definitions_out_of_their_table_and_unknown_kinds_are_ignored() -> None:
    short = product(4)
    short = short | {"blob": short["blob"][:-8], "row": None}
    check(
        product(0),
        product(65_535),
        instrument(0, 1),
        instrument(2**32 - 1, 1),
        instrument(4, 3),
        member(0),
        account(0, 1),
        session(0, 1),
        short,
        command(99),
        command(0),
        command(w.ROLL_PRODUCT, product=9, trading_date=LAST_DAY),
        events="",
    )


def test_m8_definitions_that_break_a_bound_are_ignored() -> None:
    required, dated = 64, 2
    check(
        product(3, tick=0),
        product(3, tick=1_500),
        product(3, tick=-1_000),
        product(3, multiplier=0),
        product(3, qty_max=0),
        product(3, limit_bp=10_000),
        product(3, display_min_bp=10_001),
        product(3, currency=3),
        product(3, price_rule=3),
        product(3, position_mode=3),
        product(3, shard=1),
        gross_product(3, features=0),
        gross_product(3, features=required | dated),
        instrument(4, 1, reference_price=TICK + 1),
        instrument(4, 1, ticks=0),
        instrument(4, 1, ticks=-1),
        account(5, 16),
        account(5, 0),
        session(5, 16),
        session(5, 0),
        events="",
    )


def test_m8_accounts_and_sessions_keep_their_first_member() -> None:
    check(
        account(ALPHA.account, BRAVO.member),
        session(ALPHA.session, BRAVO.member),
        buy(ALPHA, "a1", 1, 100),
        events="""
            ACCOUNT_SET
            SESSION_SET s1
            ACCEPTED o1 p1 @100 qty 1 leaves 1 shows 1 r1 s1
        """,
    )


def test_m8_ids_at_the_end_of_their_tables() -> None:
    """Tables of 7 products, 15 instruments, members and accounts, 31 sessions."""
    check(
        product(7),
        product(8),
        instrument(15, 7),
        instrument(16, 7),
        member(15),
        member(16),
        account(15, 15),
        account(16, 15),
        session(31, 15),
        session(32, 15),
        buy(LAST, "a1", 1, 100, instrument=15),
        buy(LAST, "a2", 1, 100, instrument=16),
        buy(LAST, "a3", 1, 100, instrument=15, account=16),
        buy(LAST, "a4", 1, 100, instrument=15, member=16),
        mass_cancel(LAST, "a5", w.SCOPE_PRODUCT, product=8),
        session_lost(Who(32, 15, 15)),
        mass_cancel(LAST, "a6", w.SCOPE_PRODUCT, product=7),
        events="""
            PRODUCT_DEFINED
            INSTRUMENT_DEFINED @100 from 90 to 110
            LIMITS_SET @100 from 90 to 110
            MEMBER_SET
            ACCOUNT_SET
            SESSION_SET s31
            ACCEPTED o1 p1 @100 qty 1 leaves 1 shows 1 r1 s31
            REJECTED @100 qty 1 r2 s31 UNKNOWN_INSTRUMENT
            REJECTED @100 qty 1 r3 s31 UNKNOWN_ACCOUNT
            REJECTED @100 qty 1 s31 REQUEST_ROWS_FULL
            MASS_CANCEL_REJECTED r4 s31 UNKNOWN_INSTRUMENT
            CANCELLED o1 p1 @100 qty 1 of r1 s31 UNSOLICITED MASS_CANCEL
            MASS_CANCELLED qty 1 r5 s31
        """,
    )


def test_m8_limits_of_a_definition_in_its_fields() -> None:
    naive, engine = NaiveVenue(), EngineVenue()
    defined = number([product(1), instrument(1, 1, ticks=100)])
    naive.run(defined)
    _, first, second = engine.run(defined)
    shared = {"price": 100 * TICK, "cum_value": 90 * TICK, "leaves_qty": 110 * TICK}
    shared |= {"instrument": 1, "product": 1, "trading_date": DAY_1}
    assert_fields(first, defined[1], shared, kind=w.INSTRUMENT_DEFINED)
    assert_fields(second, defined[1], shared, kind=w.LIMITS_SET, flags=w.LAST_OF_COMMAND)


def test_m8_event_rows_have_no_stray_bytes() -> None:
    """Rows are zeroed before they are filled: a dirty buffer gives the same bytes (M-1)."""
    commands = number([*usual_venue(), buy(ALPHA, "a1", 5, 100)])
    clean = EngineVenue().run_rows(commands)
    dirty = EngineVenue().run_rows(commands, dirt=0xFF)
    assert clean.tobytes() == dirty.tobytes()
    assert isinstance(clean, np.ndarray)

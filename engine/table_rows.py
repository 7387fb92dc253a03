"""Rows of the engine's tables: what it remembers of products, instruments, members and the rest.

Index 0 of every table is "none", so a new table is all zeros. Rows of orders: engine/order_rows.py.
Source: specs/matching.md; docs/decisions/0102-engine-tables.md.
"""

from __future__ import annotations

import numpy as np

PRODUCT_STATE = np.dtype(
    [
        ("tick", "<i8"),
        ("multiplier", "<i8"),
        ("qty_max", "<i8"),
        ("price_max", "<i8"),  # 1e-9: what keeps an order's value and notional in bounds
        ("limit_bp", "<i8"),
        ("ladder_bp", "<i8"),
        ("band_ticks", "<i8"),
        ("display_min_bp", "<i8"),
        ("features", "<i8"),
        ("shard_bits", "<i8"),  # the shard in its place in an id
        ("product", "<u2"),
        ("price_rule", "u1"),
        ("position_mode", "u1"),
        ("currency", "u1"),
        ("defined", "u1"),
        ("implied_off", "u1"),
        ("pad", "u1"),
        ("static_band", "<i8"),  # 1e-9; PRICE_MAX: none
        ("dynamic_band", "<i8"),
        ("velocity_ticks", "<i8"),
        ("velocity_seconds", "<i8"),
        ("breaker_bp", "<i8"),
        ("pause_ns", "<i8"),
        ("settle_span_ns", "<i8"),  # SETTLE_WINDOW: so many spans of that length
        ("settle_spans", "<i8"),
        ("locked_1_bp", "<i8"),  # LOCKED_DAYS: what the limit widens by
        ("locked_2_bp", "<i8"),
        ("bust_ns", "<i8"),
        ("block_qty_min", "<i8"),  # 0: no blocks
        ("block_range", "<i8"),  # 1e-9; PRICE_MAX: none
    ]
)
assert PRODUCT_STATE.itemsize == 192

INSTRUMENT_STATE = np.dtype(
    [
        ("best_bid", "<i8"),  # level, -1: none
        ("best_ask", "<i8"),  # level, ASK_NONE: none
        ("low", "<i8"),  # 1e-9
        ("high", "<i8"),  # 1e-9
        ("base_price", "<i8"),  # 1e-9, of level_first
        ("level_first", "<i8"),
        ("last", "<i8"),  # 1e-9
        ("volume", "<i8"),  # lots of the day
        ("value_ticks", "<i8"),  # of the day: sum of price in ticks * lots
        ("reference", "<i8"),  # 1e-9
        ("level_count", "<i8"),
        ("continuous_until_ns", "<i8"),  # commands up to then find it trading; -1: another phase
        ("print_above", "<i8"),  # 1e-9: a trade from here up is the date's high or reaches stops
        ("print_below", "<i8"),  # 1e-9: a trade from here down is the date's low or reaches stops
        ("product", "<u2"),
        ("defined", "u1"),
        ("expired", "u1"),
        ("trading_date", "<u4"),
        ("last_trading_date", "<u4"),
        ("spread", "u1"),  # it has legs
        ("implied", "u1"),  # it takes part in implied trading
        ("pad_1", "<u2"),
        ("first_trading_date", "<u4"),
        ("maturity", "<u4"),
        ("level_room", "<i8"),  # levels allocated: two halves, the upper for sells in a call
        ("stop_buys", "<u4"),  # root of the tree of stops that buy
        ("stop_sells", "<u4"),
        ("stop_above", "<i8"),  # 1e-9: the lowest stop price that buys, STOP_NONE: none
        ("stop_below", "<i8"),  # 1e-9: the highest stop price that sells, -STOP_NONE: none
        ("stop_high", "<i8"),  # 1e-9: highest trade that has reached stops which wait yet
        ("stop_low", "<i8"),  # -STOP_NONE and STOP_NONE: none has
        ("day_high", "<i8"),  # 1e-9: of the date's trades, -STOP_NONE and STOP_NONE: none
        ("day_low", "<i8"),
        ("leg_1", "<u4"),  # of a spread: its buyer buys leg 1 and sells leg 2
        ("leg_2", "<u4"),
        ("lots_1", "<u4"),  # of the leg in one lot of the spread
        ("lots_2", "<u4"),
        ("risk_first", "<u4"),  # chain of the instrument's risk rows
        ("open_ticks", "<i4"),  # of the date's first trade above `low`; nothing without day_high
        ("trade_floor", "<i8"),  # trades up to this number are of an earlier trading date
        ("block_volume", "<i8"),  # lots of the day's blocks
        ("block_ticks", "<i8"),  # their value: sum of price in ticks * lots
        ("open_interest", "<i8"),  # lots, when the trading date before ended; 0: expired
    ]
)
assert INSTRUMENT_STATE.itemsize == 256

CALL_STATE = np.dtype(
    [
        ("scheduled_end_ns", "<i8"),  # of the phase; 0: none
        ("price", "<i8"),  # 1e-9: what INDICATIVE said last
        ("qty", "<i8"),
        ("surplus", "<i8"),
        ("buy_qty", "<i8"),  # lots in the call
        ("sell_qty", "<i8"),
        ("locked_since_ns", "<i8"),  # of lock_side
        ("close_ns", "<i8"),  # the date's last end of trading; 0: none yet
        ("close_bid", "<i8"),  # 1e-9, at the close, where close_quotes has it
        ("close_ask", "<i8"),
        ("settlement", "<i8"),  # 1e-9, of the roll that goes on
        ("limit_bp", "<u4"),  # in force
        ("locked_bp", "<u4"),  # the limit of the first of the locked days
        ("settled_by", "<u4"),  # SettleReason
        ("close_quotes", "<u4"),  # bit 0: there was a bid at the close, bit 1: an ask
        ("phase", "u1"),  # Phase
        ("calling", "u1"),  # the book is laid out for a call: it may be crossed
        ("held", "u1"),  # an operator halted it: only an operator lets it go
        ("lock_side", "u1"),  # Side: only its orders, at the limit; 0: not locked
        ("close_locked", "u1"),  # the same at the close, held for long enough
        ("locked_side", "u1"),  # of the locked days before this one
        ("locked_days", "u1"),  # how many they are; 4: trading goes on after the suspended one
        ("suspended", "u1"),  # Suspended
        ("closing_high_buy", "<u4"),  # CLOSING_FIRST: last order at the limit that closes; 0: none
        ("closing_high_sell", "<u4"),
        ("closing_low_buy", "<u4"),
        ("closing_low_sell", "<u4"),
    ]
)
assert CALL_STATE.itemsize == 128

MEMBER_STATE = np.dtype(
    [
        ("requests_max", "<i8"),
        ("orders_max", "<i8"),
        ("products", "<i8"),  # bit p: may trade product p
        ("requests_used", "<i8"),
        ("orders_live", "<i8"),
        ("risk_first", "<u4"),  # chain of the member's risk rows
        ("kills", "<u2"),  # in force: of the member and of its sessions
        ("defined", "u1"),
        ("killed", "u1"),  # the member as a whole
    ]
)

ACCOUNT_STATE = np.dtype(
    [
        ("open_orders_max", "<i8"),
        ("position_long_max", "<i8"),
        ("position_short_max", "<i8"),
        ("order_notional_max", "<i8"),
        ("open_notional_max", "<i8"),
        ("orders_per_second_max", "<i8"),
        ("orders_live", "<i8"),
        ("notional_1", "<i8"),  # money of live orders, Currency.USD
        ("notional_2", "<i8"),  # Currency.CNY
        ("second", "<i8"),  # venue time, s
        ("second_orders", "<i8"),
        ("quote_window_ms", "<i8"),
        ("quote_executions_max", "<i8"),
        ("quote_qty_max", "<i8"),
        ("quote_delta_max", "<i8"),
        ("quotes_frozen", "<u4"),  # protection took its quotes off: it waits for a reset
        ("quotes_due", "<u4"),  # they are to be taken off yet
        ("member", "<u4"),
        ("defined", "<u4"),
        ("quote_session", "<u4"),  # whose quotes were taken last: requests for quotes go there
        ("pad", "<u4"),
    ]
)

QUOTE_FILL = np.dtype(  # sums of a slice of an account's window
    [("span", "<i8"), ("executions", "<i8"), ("qty", "<i8"), ("delta", "<i8")]
)

SESSION_STATE = np.dtype(
    [
        ("member", "<u2"),
        ("defined", "u1"),
        ("cancel_on_disconnect", "u1"),
        ("killed", "<u4"),
    ]
)

RISK = np.dtype(
    [
        ("position", "<i8"),  # lots, long positive
        ("open_buys", "<i8"),  # leaves of live buys (GROSS: opening ones)
        ("open_sells", "<i8"),
        ("buy_first", "<u4"),  # live orders in order of order_id
        ("buy_last", "<u4"),
        ("sell_first", "<u4"),
        ("sell_last", "<u4"),
        ("account", "<u4"),  # 0: the row is not in use
        ("instrument", "<u4"),
        ("member_next", "<u4"),  # the member's next risk row
        ("instrument_next", "<u4"),
        ("quote_bid", "<u4"),  # pool rows of the quote; one that has ended may be another order's
        ("quote_ask", "<u4"),
        ("long_today", "<i8"),  # GROSS buckets
        ("long_yesterday", "<i8"),
        ("short_today", "<i8"),
        ("short_yesterday", "<i8"),
        ("closing_long_today", "<i8"),  # leaves of live orders that close the bucket
        ("closing_long_yesterday", "<i8"),
        ("closing_short_today", "<i8"),
        ("closing_short_yesterday", "<i8"),
    ]
)
assert RISK.itemsize == 128

LEVEL = np.dtype([("head", "<u4"), ("tail", "<u4")])

IMPLIED_STATE = np.dtype(  # 1e-9; none: beyond any price
    [
        ("bid", "<i8"),  # best prices of the book, none where it takes no part now
        ("ask", "<i8"),
        ("implied_bid", "<i8"),  # best ones that other books imply
        ("implied_ask", "<i8"),
        ("told_bid", "<i8"),  # as the last IMPLIED said
        ("told_ask", "<i8"),
        ("leg_1", "<u4"),  # of a spread
        ("leg_2", "<u4"),
        ("first", "<u4"),  # of a month: its spreads, in order of number
        ("next_1", "<u4"),  # of a spread: the next one of its leg 1
        ("next_2", "<u4"),
        ("pad", "<u4"),
    ]
)

HEAP = np.dtype([("key", "<i8"), ("order", "<i8")])

MOVE = np.dtype([("span", "<i8"), ("low", "<i8"), ("high", "<i8")])  # of a second or minute

WINDOW = np.dtype([("span", "<i8"), ("volume", "<i8"), ("value_ticks", "<i8")])

WORD = np.dtype([("word", "<i8")])

SLOT = np.dtype([("word", "<u4")])

FREE = np.dtype([("row", "<u4")])

HINT = np.dtype([("hash", "<i8"), ("orig_hash", "<i8"), ("named", "<i8"), ("order", "<i8")])

BLOCK = np.dtype([("time_ns", "<i8"), ("request", "<u4"), ("trading_date", "<u4")])  # that waits

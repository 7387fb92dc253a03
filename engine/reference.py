"""Rows of reference data: what the blob of a definition command holds.

No dtype has implicit padding. Source: specs/matching.md M-7, M-8.
"""

from __future__ import annotations

from engine.types import packed_row

PRODUCT = packed_row(
    ("tick", "<i8"),  # 1e-9; a multiple of 1,000
    ("multiplier", "<i8"),  # quote units in one lot: notional = price * multiplier * lots
    ("qty_max", "<i8"),  # lots in one order
    ("limit_bp", "<u4"),  # daily limit, 1e-4 of the previous settlement price
    ("ladder_bp", "<u4"),  # room of the price ladder, 1e-4 of it; >= limit_bp
    ("band_ticks", "<u4"),  # how far a market order may trade from the best price
    ("display_min_bp", "<u4"),  # least share of an order an iceberg shows, 1e-4
    ("features", "<u4"),  # ProductFeature bits
    ("static_band_ticks", "<u4"),  # PRICE_BANDS: from the reference price; 0: none
    ("dynamic_band_ticks", "<u4"),  # PRICE_BANDS: from the last price; 0: none
    ("velocity_ticks", "<u4"),  # PAUSES: so many in velocity_seconds; 0: none
    ("velocity_seconds", "<u4"),  # 1 to 60
    ("breaker_bp", "<u4"),  # PAUSES: 1e-4 of the reference price in 60 minutes; 0: none
    ("pause_seconds", "<u4"),  # scheduled length of a pause; 0: none
    ("settle_window_seconds", "<u4"),  # SETTLE_WINDOW: 1 to 60, or whole minutes up to 60
    ("locked_1_bp", "<u2"),  # LOCKED_DAYS: what the limit widens by after one day,
    ("locked_2_bp", "<u2"),  # after two and three days, 1e-4
    ("bust_seconds", "<u4"),  # for so long a trade may be busted or corrected; 0: never
    ("block_qty_min", "<u4"),  # lots in a block trade at least; 0: none are taken
    ("block_range_ticks", "<u4"),  # how far from the last price; 0: the limits alone
    ("spare", "<u4"),
    ("product", "<u2"),
    ("price_rule", "u1"),  # PriceRule
    ("position_mode", "u1"),  # PositionMode
    ("currency", "u1"),  # Currency
    ("shard", "u1"),
    ("code", "S14"),
)
assert PRODUCT.itemsize == 112

INSTRUMENT = packed_row(
    ("reference_price", "<i8"),  # previous settlement price, 1e-9; of a spread any
    ("instrument", "<u4"),
    ("maturity", "<u4"),  # yyyymm
    ("first_trading_date", "<u4"),  # yyyymmdd
    ("last_trading_date", "<u4"),  # yyyymmdd
    ("trading_date", "<u4"),  # yyyymmdd
    ("product", "<u2"),
    ("symbol", "S18"),
    ("leg_1", "<u4"),  # of a spread: the instrument that its buyer buys; 0: no spread
    ("leg_2", "<u4"),  # that its buyer sells
    ("lots_1", "<u4"),  # lots of the leg in one of the spread
    ("lots_2", "<u4"),
)
assert INSTRUMENT.itemsize == 64

MEMBER = packed_row(
    ("requests_max", "<u4"),  # request rows of a venue day
    ("orders_max", "<u4"),  # rows of the order pool
    ("products", "<u8"),  # bit p: may trade product p
    ("member", "<u2"),
    ("name", "S14"),
)
assert MEMBER.itemsize == 32

ACCOUNT = packed_row(
    ("open_orders_max", "<i8"),
    ("position_long_max", "<i8"),  # lots an instrument
    ("position_short_max", "<i8"),  # lots an instrument
    ("order_notional_max", "<i8"),  # money
    ("open_notional_max", "<i8"),  # money, a currency
    ("orders_per_second_max", "<i8"),
    ("quote_window_ms", "<i8"),  # protection of its quotes; 0: none
    ("quote_executions_max", "<i8"),  # in the window; 0: any
    ("quote_qty_max", "<i8"),  # lots
    ("quote_delta_max", "<i8"),  # lots bought less lots sold, or the other way round
    ("account", "<u4"),
    ("member", "<u2"),
    ("name", "S18"),
)
assert ACCOUNT.itemsize == 104

SESSION = packed_row(
    ("session", "<u4"),
    ("member", "<u2"),
    ("cancel_on_disconnect", "u1"),
    ("name", "S17"),  # the member's CompID
)
assert SESSION.itemsize == 24

"""Every bound of the engine and the relations between them; a full table is a reject, no crash.

Capacities (EngineLimits) size the arena and change no event while they are not reached. Bounds
(constants) hold for every engine: they keep all sums inside int64.

Source: specs/matching.md M-7, M-8.
"""

from __future__ import annotations

from dataclasses import dataclass

EVENT_ROWS_MIN = 8  # free event rows a command needs to start
SWEEP_ROWS = 4  # event rows one step of matching may take: two fills, a refresh, the rest
SPREAD_ROWS = 8  # of a spread: four rows of legs besides
TRIGGER_ROWS = SWEEP_ROWS + 2  # that the next stop order needs to come in

PRODUCTS_BOUND = 63  # a member's set of products is one word
MEMBERS_BOUND = 4_095
INSTRUMENTS_BOUND = 16_383
ACCOUNTS_BOUND = 65_535
SESSIONS_BOUND = 1_048_575
ORDERS_BOUND = 16_777_215  # rows of the order pool
REQUESTS_BOUND = 134_217_727  # rows of a venue day
LEVELS_BOUND = 16_777_216  # price levels of all instruments together
LEVELS_PER_INSTRUMENT_MAX = 262_144
TRADES_BOUND = 1 << 24  # trades remembered

DEPTH_ROWS = 2  # rows of a depth tree beyond the ladder's prices

SUM_MAX = 1 << 62  # any sum of quantities, values or money
PRICE_MAX = 1 << 53  # 1e-9 of the quote unit: nine million
PRICE_NONE = 1 << 60  # beyond every price, and four of them in a sum
TICK_UNIT = 1_000  # every tick is a multiple of it, so a lot's notional is exact in money
QTY_MAX = 1_000_000_000  # lots in one order
MULTIPLIER_MAX = 1_000_000_000
LEG_LOTS_MAX = 1_000  # of a leg in one lot of a spread
POSITION_MAX = 1 << 53  # lots of an account in an instrument
BAND_TICKS_MAX = 1_000_000
BASIS_POINTS = 10_000
MOVE_SPANS = 60  # seconds, and minutes, that price moves are remembered
MOVE_ROWS = 2 * MOVE_SPANS  # of an instrument
WINDOW_SPANS = 60  # spans of a settlement window, at most
WINDOW_ROWS = WINDOW_SPANS + 1  # of an instrument: the window and the span of the close
LOCKED_CLOSE_NS = 300_000_000_000  # how long a limit must have been locked at the close
PAUSE_SECONDS_MAX = 86_400
BUST_SECONDS_MAX = 86_400
QUOTE_SLICES = 16  # of the window in which fills of quotes are counted
QUOTE_WINDOW_MS_MAX = 3_600_000
BLOCKS_OF_MEMBER = 16  # reports of blocks that may wait for their other side,
BLOCK_WAIT_NS = 900_000_000_000  # each for so long
SHARD_MAX = 127  # ids stay positive int64
ID_COUNT_BITS = 56  # of order and trade ids; above them the shard
ID_COUNT_MASK = (1 << ID_COUNT_BITS) - 1
NANOSECONDS = 1_000_000_000
MILLISECOND_NS = 1_000_000
MINUTE_NS = 60 * NANOSECONDS
TIME_NS_MAX = (1 << 63) - 1
ORDER_ROWS_AHEAD = 1 << 18  # order rows that have memory before they are used,
ORDER_ROWS_STEP = 1 << 16  # so many had at a time
HINT_ROWS = 64  # hints kept; a power of two
COMMANDS_AHEAD = 90  # how far ahead memory is asked for: the command itself,
HASHED_AHEAD = 60  # the slots of its ids,
NAMED_AHEAD = 44  # the request row it names,
ORDERS_AHEAD = 28  # the order that has,
NEIGHBOURS_AHEAD = 12  # and what lies around that one;
EVENTS_AHEAD = 24  # event rows and request rows that will be written
REQUESTS_AHEAD = 16
TRADES_AHEAD = 6  # trades that will be remembered: their rows lie one behind the other
HINT_ORDERS_MIN = 16_384  # live orders from which their rows no longer lie in the cache


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """Capacities of one engine's tables; the defaults are those of `sitex serve`.

    Row 0 of every table means "none" and comes on top. Memory: requests_max x 128 bytes for the
    request rows and 6 to 12 for their index, orders_max x 160 bytes, accounts_max x
    instruments_max x 128 bytes, levels_max x 16.125 bytes. A ladder takes twice its prices, and
    twice that again where there is room. 4,344 bytes an instrument remember price moves and trades,
    80 bytes a trade those that may be busted: trades_max, a power of two, of the last ones.
    """

    orders_max: int = 1_048_576
    requests_max: int = 2_097_152
    instruments_max: int = 1_023
    products_max: int = 63
    members_max: int = 63
    accounts_max: int = 127
    sessions_max: int = 1_023
    levels_max: int = 2_097_152
    trades_max: int = 262_144

    def __post_init__(self) -> None:
        for value, bound in (
            (self.orders_max, ORDERS_BOUND),
            (self.requests_max, REQUESTS_BOUND),
            (self.instruments_max, INSTRUMENTS_BOUND),
            (self.products_max, PRODUCTS_BOUND),
            (self.members_max, MEMBERS_BOUND),
            (self.accounts_max, ACCOUNTS_BOUND),
            (self.sessions_max, SESSIONS_BOUND),
            (self.trades_max, TRADES_BOUND),
        ):
            assert 1 <= value <= bound, f"{value} is not in 1..{bound}"
        assert 64 <= self.levels_max <= LEVELS_BOUND
        assert self.trades_max & (self.trades_max - 1) == 0, "trades_max is a power of two"
        assert self.orders_max <= self.requests_max, "every live order has a request row"


assert EVENT_ROWS_MIN >= SWEEP_ROWS + 2
assert EVENT_ROWS_MIN >= TRIGGER_ROWS
assert EVENT_ROWS_MIN >= SPREAD_ROWS
assert PRICE_MAX * 2 < SUM_MAX
assert QTY_MAX * BASIS_POINTS < SUM_MAX
assert POSITION_MAX + QTY_MAX < SUM_MAX
assert LEVELS_PER_INSTRUMENT_MAX <= LEVELS_BOUND
assert NEIGHBOURS_AHEAD < ORDERS_AHEAD < NAMED_AHEAD < HASHED_AHEAD < COMMANDS_AHEAD
assert HASHED_AHEAD < HINT_ROWS and HINT_ROWS & (HINT_ROWS - 1) == 0

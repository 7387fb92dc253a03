"""The public messages of the feed: types in two tagged unions, encoded as msgpack arrays.

This is the schema of the market data: what the feed sends (Message) and what a subscriber may ask
of the recovery service (Request). It knows no packet, no socket and no book. Prices are int64 in
1e-9 of the quote unit, quantities int64 lots, times int64 nanoseconds since 1970 UTC (the venue
clock). A field is only ever appended; anything else raises SCHEMA_VERSION.

Source: specs/market_data.md (F-10 to F-38, F-40 to F-45, F-60).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Annotated

import msgspec

SCHEMA_VERSION = 3
MESSAGE_BYTES_MAX = 192  # encoded bytes of any message
REQUEST_BYTES_MAX = 64  # encoded bytes of any request

Symbol = Annotated[str, msgspec.Meta(max_length=18)]
ProductCode = Annotated[str, msgspec.Meta(max_length=14)]


class MessageFlag(IntFlag):
    """Bits of a message's flags (F-12)."""

    NONE = 0
    END_OF_EVENT = 1  # the last message of one command: the book may be shown


class TradingStatus(IntEnum):
    """Status of an instrument or, with instrument 0, of the venue (F-31)."""

    NONE = 0
    TRADING = 1
    HALTED = 2
    EXPIRED = 3
    CLOSED = 4
    PRE_OPEN = 5
    NO_CANCEL = 6
    AUCTION_MATCH = 7
    VOLATILITY_PAUSE = 8
    CLOSING = 9
    SETTLEMENT = 10


class RefusedReason(IntEnum):
    """Why the recovery service does not answer a request (F-45)."""

    NONE = 0
    NOT_AVAILABLE = 1  # older than the history: take a snapshot
    NOT_YET = 2  # not published yet
    UNKNOWN_INSTRUMENT = 3
    BAD_REQUEST = 4
    OVERLOADED = 5


class _Message(msgspec.Struct, array_like=True, gc=False):
    """Base of all messages: encoded as [tag, field, ...]."""


class OrderAdded(_Message, tag=1):
    """A slice joins the back of its price's queue (F-20)."""

    time_ns: int  # venue clock
    instrument: int
    side: int  # Side: 49 buy, 50 sell
    public_id: int
    price: int  # 1e-9
    qty: int  # lots shown
    level_qty: int  # lots shown at the price after this message
    level_orders: int  # slices at the price after this message
    flags: int = 0  # MessageFlag


class OrderChanged(_Message, tag=2):
    """A slice shows another quantity and keeps its place (F-21)."""

    time_ns: int  # venue clock
    instrument: int
    side: int  # Side
    public_id: int
    price: int  # 1e-9
    qty: int  # lots shown now
    level_qty: int  # lots
    level_orders: int
    flags: int = 0  # MessageFlag


class OrderRemoved(_Message, tag=3):
    """A slice leaves the book without a trade (F-22)."""

    time_ns: int  # venue clock
    instrument: int
    side: int  # Side
    public_id: int
    price: int  # 1e-9
    level_qty: int  # lots
    level_orders: int
    flags: int = 0  # MessageFlag


class Trade(_Message, tag=4):
    """An incoming order traded with one slice, which shows `qty_left` from now on (F-23)."""

    time_ns: int  # venue clock
    instrument: int
    side: int  # Side of the aggressor; 0: of an uncross
    trade_id: int
    price: int  # 1e-9, of the trade
    qty: int  # lots traded
    public_id: int  # the resting slice, on the other side; 0: a call hid it, or a price was implied
    resting_price: int  # 1e-9, the slice's level
    qty_left: int  # lots the slice shows; 0: it has left the book
    level_qty: int  # lots at resting_price
    level_orders: int
    flags: int = 0  # MessageFlag


class Statistics(_Message, tag=5):
    """The trading date's statistics; sent when open, high or low changed (F-24)."""

    time_ns: int  # venue clock
    instrument: int
    trading_date: int  # yyyymmdd
    open: int  # 1e-9; with high and low meaningless while trades is 0
    high: int  # 1e-9
    low: int  # 1e-9
    last: int  # 1e-9; of the last trade ever, 0 with last_trade_id 0
    last_trade_id: int
    volume: int  # lots, each trade once
    value: int  # sum of price * qty, 1e-9 * lots: the average price is value / volume
    trades: int
    flags: int = 0  # MessageFlag


class InstrumentDefined(_Message, tag=10):
    """What an instrument is (F-30)."""

    time_ns: int  # venue clock
    instrument: int
    symbol: Symbol
    product: int
    product_code: ProductCode
    currency: int  # Currency: 1 USD, 2 CNY
    tick: int  # 1e-9
    multiplier: int  # quote units in one lot
    qty_max: int  # lots in one order
    price_rule: int  # PriceRule: 1 resting order's price, 2 median of three
    maturity: int  # yyyymm
    first_trading_date: int  # yyyymmdd
    last_trading_date: int  # yyyymmdd
    leg_1: int  # of a spread: the instrument that its buyer buys; 0: no spread
    leg_2: int  # that its buyer sells
    lots_1: int  # of the leg in one lot of the spread
    lots_2: int
    flags: int = 0  # MessageFlag


class Status(_Message, tag=11):
    """Status of an instrument, or of the whole venue (F-31)."""

    time_ns: int  # venue clock
    instrument: int  # 0: the venue
    status: int  # TradingStatus
    reason: int  # number of the operator's reason, 0: none
    flags: int = 0  # MessageFlag
    scheduled_end_ns: int = 0  # venue clock; 0: none


class Limits(_Message, tag=12):
    """Reference price and daily limits; a new trading date starts new statistics (F-32)."""

    time_ns: int  # venue clock
    instrument: int
    trading_date: int  # yyyymmdd
    reference: int  # 1e-9
    low: int  # 1e-9
    high: int  # 1e-9
    flags: int = 0  # MessageFlag
    locked_days: int = 0  # days locked at the limit before the date; they widen its limits


class Settlement(_Message, tag=13):
    """The settlement price of a trading date (F-33)."""

    time_ns: int  # venue clock
    instrument: int
    trading_date: int  # yyyymmdd, the date that ends
    price: int  # 1e-9
    volume: int  # lots of the date
    value: int  # 1e-9 * lots of the date
    flags: int = 0  # MessageFlag
    reason: int = 0  # what the price comes of; 0: the average of trades, or no change
    open_interest: int = 0  # lots open when the date ended (F-161)


class DayRolled(_Message, tag=14):
    """The venue day is over, and with it the session (F-34)."""

    time_ns: int  # venue clock
    venue_date: int  # yyyymmdd, the day that starts
    flags: int = 0  # MessageFlag
    next_session: int = 0  # in which numbers begin again; 0: none, they go on


class Indicative(_Message, tag=15):
    """What an uncross would give now (F-35)."""

    time_ns: int  # venue clock
    instrument: int
    price: int  # 1e-9; with nothing else said 0: nothing would trade
    qty: int  # lots; 0 where the call hides its orders
    surplus: int  # lots left at the price, of buys positive; 0 where the call hides its orders
    flags: int = 0  # MessageFlag


class Uncrossed(_Message, tag=16):
    """A call has ended; its trades came before (F-36)."""

    time_ns: int  # venue clock
    instrument: int
    price: int  # 1e-9; 0: nothing traded
    qty: int  # lots
    surplus: int  # lots left at the price, of buys positive
    flags: int = 0  # MessageFlag


class TradeBusted(_Message, tag=33):
    """A trade of the trading date is taken back (F-62)."""

    time_ns: int  # venue clock
    instrument: int
    trade_id: int
    price: int  # 1e-9, as it was last
    qty: int  # lots
    flags: int = 0  # MessageFlag
    block: int = 0  # 1: of a block trade


class TradeCorrected(_Message, tag=34):
    """A trade of the trading date has another price (F-63)."""

    time_ns: int  # venue clock
    instrument: int
    trade_id: int
    price: int  # 1e-9, that holds from now on
    qty: int  # lots
    price_before: int  # 1e-9
    flags: int = 0  # MessageFlag


class QuoteRequested(_Message, tag=19):
    """Somebody asks for quotes (F-60)."""

    time_ns: int  # venue clock
    instrument: int
    side: int  # Side; 0: both
    qty: int  # lots; 0: any
    flags: int = 0  # MessageFlag


class BlockTrade(_Message, tag=35):
    """A trade agreed outside the book and reported by both sides (F-64)."""

    time_ns: int  # venue clock
    instrument: int
    trade_id: int
    price: int  # 1e-9
    qty: int  # lots
    flags: int = 0  # MessageFlag


class ImpliedPrice(_Message, tag=17):
    """The best price that other books imply on a side of this one, apart from its orders (F-38)."""

    time_ns: int  # venue clock
    instrument: int
    side: int  # Side of the implied bid or ask: 49 bid, 50 ask
    price: int  # 1e-9
    exists: int  # 1; 0: there is none any more
    flags: int = 0  # MessageFlag


class SnapshotStart(_Message, tag=20):
    """What follows rebuilds `instrument` as it stood after message `sequence` (F-43)."""

    sequence: int  # number of the last message the snapshot holds
    instrument: int  # 0: all
    place: int = 0  # of the instrument in the loop of the snapshot line, from 0
    instruments: int = 0  # how many the loop has; 0: an answer, no loop


class SnapshotEnd(_Message, tag=21):
    """The snapshot is complete (F-43)."""

    sequence: int
    instrument: int
    orders: int  # OrderAdded messages since SnapshotStart


class Refused(_Message, tag=22):
    """The recovery service does not answer the request (F-45)."""

    reason: int  # RefusedReason
    first_available: int  # lowest message number of the history
    next_sequence: int  # number the next new message will have


class ReplayRequest(_Message, tag=40):
    """Asks for messages by number (F-41)."""

    first: int
    count: int


class SnapshotRequest(_Message, tag=41):
    """Asks for the books as they stand (F-43)."""

    instrument: int = 0  # 0: all


BookMessage = OrderAdded | OrderChanged | OrderRemoved | Trade | Statistics
ReferenceMessage = InstrumentDefined | Status | Limits | Settlement | DayRolled
AuctionMessage = Indicative | Uncrossed | QuoteRequested
AmendmentMessage = TradeBusted | TradeCorrected | BlockTrade
RecoveryMessage = SnapshotStart | SnapshotEnd | Refused
# what is numbered; all have flags
MarketMessage = BookMessage | ReferenceMessage | AuctionMessage | AmendmentMessage | ImpliedPrice
Message = MarketMessage | RecoveryMessage
Request = ReplayRequest | SnapshotRequest

ENCODER = msgspec.msgpack.Encoder()
MARKET_DECODER = msgspec.msgpack.Decoder(list[MarketMessage])
MESSAGES_DECODER = msgspec.msgpack.Decoder(list[Message])
REQUEST_DECODER = msgspec.msgpack.Decoder(list[Request])

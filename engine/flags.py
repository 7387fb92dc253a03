"""Flag bits as plain integers: kernels take members of an IntEnum, but not of an IntFlag."""

from engine.types import EventFlag, ExecInst, Phase, ProductFeature, QuotePart

AGGRESSOR = int(EventFlag.AGGRESSOR)
UNSOLICITED = int(EventFlag.UNSOLICITED)
KEPT_PLACE = int(EventFlag.KEPT_PLACE)
LAST_OF_COMMAND = int(EventFlag.LAST_OF_COMMAND)
AUCTION = int(EventFlag.AUCTION)
LEG = int(EventFlag.LEG)
QUOTE = int(EventFlag.QUOTE)
IMPLIED = int(EventFlag.IMPLIED)

FIRST_QUOTE = int(QuotePart.FIRST)
RESET_QUOTES = int(QuotePart.RESET)

POST_ONLY = int(ExecInst.POST_ONLY)

HAS_MARKET = int(ProductFeature.MARKET)
HAS_GTC_GTD = int(ProductFeature.GTC_GTD)
HAS_MIN_QTY = int(ProductFeature.MIN_QTY)
HAS_POST_ONLY = int(ProductFeature.POST_ONLY)
HAS_ICEBERG = int(ProductFeature.ICEBERG)
REPLACE_KEEPS_PLACE = int(ProductFeature.REPLACE_KEEPS_PLACE)
POSITION_EFFECT_REQUIRED = int(ProductFeature.POSITION_EFFECT_REQUIRED)
HAS_STOP = int(ProductFeature.STOP)
AUCTION_HIDDEN = int(ProductFeature.AUCTION_HIDDEN)
AUCTION_MIN_SURPLUS = int(ProductFeature.AUCTION_MIN_SURPLUS)
LISTING_LIMIT_DOUBLE = int(ProductFeature.LISTING_LIMIT_DOUBLE)
HAS_PAUSES = int(ProductFeature.PAUSES)
PAUSE_PRODUCT = int(ProductFeature.PAUSE_PRODUCT)
HAS_SETTLE_WINDOW = int(ProductFeature.SETTLE_WINDOW)
HAS_LOCKED_DAYS = int(ProductFeature.LOCKED_DAYS)
CLOSING_FIRST = int(ProductFeature.CLOSING_FIRST)
NOTES_TRADES = HAS_PAUSES | HAS_SETTLE_WINDOW
HAS_IMPLIED = int(ProductFeature.IMPLIED)
HAS_PRICE_BANDS = int(ProductFeature.PRICE_BANDS)


def _phases(*phases: Phase) -> int:
    """A set of phases as bits, to be read as `bits >> phase & 1`."""
    return sum(1 << phase for phase in phases)


# the phase table (M-101)
IS_CALL = _phases(Phase.PRE_OPEN, Phase.NO_CANCEL, Phase.VOLATILITY_PAUSE, Phase.CLOSING)
IS_OPEN = IS_CALL | _phases(Phase.CONTINUOUS)
TRADES = _phases(Phase.NONE, Phase.CONTINUOUS, Phase.AUCTION_MATCH)
TAKES_NEW = IS_OPEN | _phases(Phase.NONE)
TAKES_REPLACE = TAKES_NEW & ~_phases(Phase.NO_CANCEL)
TAKES_CANCEL = TAKES_REPLACE | _phases(Phase.HALTED)

"""Flag bits as plain integers: kernels take members of an IntEnum, but not of an IntFlag."""

from engine.types import EventFlag, ExecInst, ProductFeature

AGGRESSOR = int(EventFlag.AGGRESSOR)
UNSOLICITED = int(EventFlag.UNSOLICITED)
KEPT_PLACE = int(EventFlag.KEPT_PLACE)
LAST_OF_COMMAND = int(EventFlag.LAST_OF_COMMAND)

POST_ONLY = int(ExecInst.POST_ONLY)

HAS_MARKET = int(ProductFeature.MARKET)
HAS_GTC_GTD = int(ProductFeature.GTC_GTD)
HAS_MIN_QTY = int(ProductFeature.MIN_QTY)
HAS_POST_ONLY = int(ProductFeature.POST_ONLY)
HAS_ICEBERG = int(ProductFeature.ICEBERG)
REPLACE_KEEPS_PLACE = int(ProductFeature.REPLACE_KEEPS_PLACE)
POSITION_EFFECT_REQUIRED = int(ProductFeature.POSITION_EFFECT_REQUIRED)

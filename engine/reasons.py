"""Why things happened: the numbers of an event's `reason` that refuse nothing.

What refuses is specs/rejects.py's. Source: specs/matching.md (rules M-*).
"""

from __future__ import annotations

from enum import IntEnum


class PhaseReason(IntEnum):
    """Why a phase changed without SET_PHASE; a SET_PHASE brings its own number."""

    NONE = 0
    SCHEDULE_ENDED = 2001  # a command came after the scheduled end of an open phase
    VELOCITY = 2002  # the price moved too many ticks in seconds
    CIRCUIT_BREAKER = 2003  # the price moved too far in an hour
    LOCKED_DAYS = 2010  # no trading for a date after three days locked at the limit; its end
    OPERATOR = 2045  # of a SET_PHASE: a halt that holds, or what ends it (rule M-215)


class AlarmReason(IntEnum):
    """Reason of an ALARM."""

    NONE = 0
    UNCROSS_FAILED = 1  # the uncross did not pass its own check: the instrument stays in auction


class SettleReason(IntEnum):
    """What a settlement price comes of, where it is not the average of trades (M-200 to M-205)."""

    NONE = 0  # the average; without trades the reference
    LOCKED = 1040  # the limit at which the instrument was locked at the close
    QUOTED = 1041  # the middle of best bid, best ask and reference
    NEIGHBOUR = 1042  # the change of the nearest month that traded
    LAST = 1043  # the last trade: none lies in the window
    SPREAD = 1044  # a calendar spread against a month that has a settlement price


class CancelReason(IntEnum):
    """Why quantity left without a trade (an event's reason where nothing was rejected)."""

    NONE = 0  # asked for by its owner
    IOC = 1001
    FOK = 1002
    MIN_QTY = 1003
    MARKET_BAND = 1004
    SELF_MATCH = 1005
    MASS_CANCEL = 1006
    SESSION_LOST = 1007
    DAY_END = 1008
    EXPIRE_DATE = 1009
    INSTRUMENT_EXPIRED = 1010
    BEYOND_LIMITS = 1011
    KILLED = 1030
    QUOTE_CANCELLED = 1032  # by a later quote without this side, or a quote cancel
    PROTECTION = 1033

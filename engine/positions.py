"""Positions of (account, instrument): netting, and the four gross buckets of the Shanghai profile.

Source: specs/matching.md M-50 to M-52, M-249.
"""

from __future__ import annotations

from engine.flags import POSITION_EFFECT_REQUIRED
from engine.kernel import kernel
from engine.layout import Bucket
from engine.types import PositionEffect, PositionMode, Side
from specs.rejects import Reject


@kernel
def check_effect(product, effect):
    """What an order may say about its effect (M-52); 0 or the reject."""
    if effect == PositionEffect.NONE:
        if product["features"] & POSITION_EFFECT_REQUIRED != 0:
            return Reject.POSITION_EFFECT_REQUIRED
        return Reject.NONE
    if effect == PositionEffect.OPEN or effect == PositionEffect.CLOSE:
        return Reject.NONE
    if product["position_mode"] == PositionMode.GROSS and (
        effect == PositionEffect.CLOSE_TODAY or effect == PositionEffect.CLOSE_YESTERDAY
    ):
        return Reject.NONE
    return Reject.POSITION_EFFECT_INVALID


@kernel
def bucket_of(product, instrument, effect):
    """What an order of this effect does to a position: a spread's to those of its legs."""
    if instrument["spread"] != 0:
        return Bucket.SPREAD
    if product["position_mode"] != PositionMode.GROSS:
        return Bucket.NONE
    if effect == PositionEffect.OPEN:
        return Bucket.OPEN
    if effect == PositionEffect.CLOSE_TODAY:
        return Bucket.CLOSE_TODAY
    return Bucket.CLOSE_YESTERDAY


@kernel
def check_closing(risk, side, bucket, added):
    """Live closing orders with these lots more may not exceed their bucket (M-52)."""
    if bucket == Bucket.CLOSE_TODAY:
        if side == Side.BUY:
            room = risk["short_today"] - risk["closing_short_today"]
        else:
            room = risk["long_today"] - risk["closing_long_today"]
    elif bucket == Bucket.CLOSE_YESTERDAY:
        if side == Side.BUY:
            room = risk["short_yesterday"] - risk["closing_short_yesterday"]
        else:
            room = risk["long_yesterday"] - risk["closing_long_yesterday"]
    else:
        return Reject.NONE
    if added > room:
        return Reject.CLOSE_EXCEEDS_POSITION
    return Reject.NONE


@kernel
def move_position(risk, order, lots):
    """Book a fill of an order (M-50, M-51); a spread's moves positions leg by leg (M-234)."""
    bucket = order["bucket"]
    if bucket == Bucket.SPREAD:
        return
    if order["side"] == Side.BUY:
        risk["position"] += lots
        if bucket == Bucket.OPEN:
            risk["long_today"] += lots
        elif bucket == Bucket.CLOSE_TODAY:
            risk["short_today"] -= lots
        elif bucket == Bucket.CLOSE_YESTERDAY:
            risk["short_yesterday"] -= lots
    else:
        risk["position"] -= lots
        if bucket == Bucket.OPEN:
            risk["short_today"] += lots
        elif bucket == Bucket.CLOSE_TODAY:
            risk["long_today"] -= lots
        elif bucket == Bucket.CLOSE_YESTERDAY:
            risk["long_yesterday"] -= lots


@kernel
def long_lots(product, risk):
    """What an account is long (M-249); a GROSS side that busts took below 0 is the other one."""
    if product["position_mode"] != PositionMode.GROSS:
        return max(risk["position"], 0)
    long = risk["long_today"] + risk["long_yesterday"]
    short = risk["short_today"] + risk["short_yesterday"]
    return max(long, 0) - min(short, 0)


@kernel
def join_yesterday(risk):
    """The product roll: today's positions become yesterday's."""
    risk["long_yesterday"] += risk["long_today"]
    risk["short_yesterday"] += risk["short_today"]
    risk["long_today"] = 0
    risk["short_today"] = 0

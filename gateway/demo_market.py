"""The demo's simulated market: a fair price for every contract, from one seed.

Two factors in the shape of the domain facts 1.9 and 5.5: a short-term one (mean-reverting, with
jumps) that fades along the curve and a long-term one that shifts it, for tokens and for GPU hours,
correlated. Time and size are compressed: a minute shows what a busy week does, inside the daily
limits, and the curve swings between contango and backwardation. Floats: this is no part of the
venue.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from specs.products import Catalogue, Contract

CURVE_DECAY_PER_YEAR = 2.5  # kappa of the paper: how fast a short-term shock fades along the curve
TOKEN_GPU_CORRELATION = 0.5
LIMIT_SHARE_MAX = 0.8  # fair prices stay within this share of the daily limit
_STEP_SECONDS_MAX = 1.0


class FactorTerms(NamedTuple):
    """One factor: an Ornstein-Uhlenbeck process, with jumps where news_per_second is not 0."""

    half_life_s: float
    stationary_sd: float  # of the log price
    news_per_second: float = 0.0
    news_mean: float = 0.0
    news_sd: float = 0.0


class GroupTerms(NamedTuple):
    """What the contracts of one product group share."""

    short: FactorTerms
    long: FactorTerms
    slope_per_year: float  # log price a year along the curve, at rest


GROUPS = {
    "token": GroupTerms(
        short=FactorTerms(40.0, 0.022, news_per_second=1 / 15, news_mean=0.002, news_sd=0.012),
        long=FactorTerms(300.0, 0.012),
        slope_per_year=-0.012,
    ),
    "gpu": GroupTerms(
        short=FactorTerms(60.0, 0.014, news_per_second=1 / 45, news_mean=-0.004, news_sd=0.010),
        long=FactorTerms(300.0, 0.012),
        slope_per_year=-0.008,
    ),
}


@dataclass
class _Factors:
    """The state of one group: logs of the short-term and the long-term factor."""

    short: float = 0.0
    long: float = 0.0


class Market:
    """Fair prices of all contracts, moved by step. Same seed, same steps: same prices.

    days_ahead: contracts that expire within so many days of the trading date are left out.
    """

    def __init__(
        self, catalogue: Catalogue, trading_date: date, seed: int, days_ahead: int = -1
    ) -> None:
        self.contracts = {
            contract.symbol: contract
            for contract in catalogue.contracts(trading_date)
            if (contract.last_trading_date - trading_date).days > days_ahead
        }
        self._references: dict[str, float] = {}
        self._trading_date = trading_date
        self._random = random.Random(seed)
        self._factors = {group: _Factors() for group in GROUPS}

    def symbols(self, code: str) -> list[str]:
        """The symbols of a product, nearest month first."""
        return [s for s, contract in self.contracts.items() if contract.product.code == code]

    def step(self, seconds: float) -> None:
        """Lets `seconds` of the demo pass."""
        while seconds > 0:
            part = min(seconds, _STEP_SECONDS_MAX)
            self._step_factors(part)
            seconds -= part

    def jump(self, group: str, share: float) -> float:
        """News: prices of a group move by `share`, towards the middle; the share with its sign.

        The other group follows by the correlation.
        """
        signed = -share if self._factors[group].short + self._factors[group].long > 0 else share
        for name, factors in self._factors.items():
            factors.long += math.log1p(signed) * (1.0 if name == group else TOKEN_GPU_CORRELATION)
        return signed

    def set_reference(self, symbol: str, price: float) -> None:
        """The previous settlement price: limits, and so fair prices, lie around it."""
        self._references[symbol] = price

    def fair(self, symbol: str) -> float:
        """The fair price in quote units, inside the contract's daily limits."""
        contract = self.contracts[symbol]
        product = contract.product
        group, factors = GROUPS[product.group], self._factors[product.group]
        years = self._years(contract)
        log = factors.short * math.exp(-CURVE_DECAY_PER_YEAR * years) + factors.long
        log += group.slope_per_year * years
        bound = float(product.daily_limit_percent) / 100 * LIMIT_SHARE_MAX
        base = float(product.reference_price)
        reference = self._references.get(symbol, base)
        fair = base * math.exp(log)
        return max(reference * (1 - bound), min(reference * (1 + bound), fair))

    def fair_ticks(self, symbol: str) -> int:
        """The fair price in whole ticks."""
        return round(self.fair(symbol) / float(self.contracts[symbol].product.tick))

    def _years(self, contract: Contract) -> float:
        return (contract.last_trading_date - self._trading_date).days / 365

    def _step_factors(self, seconds: float) -> None:
        common_short, common_long = self._random.gauss(0, 1), self._random.gauss(0, 1)
        own = math.sqrt(1 - TOKEN_GPU_CORRELATION**2)
        for name, terms in GROUPS.items():
            factors = self._factors[name]
            share = 1.0 if name == "token" else TOKEN_GPU_CORRELATION
            rest = 0.0 if name == "token" else own
            short = share * common_short + rest * self._random.gauss(0, 1)
            long = share * common_long + rest * self._random.gauss(0, 1)
            factors.short = self._moved(factors.short, terms.short, short, seconds)
            factors.long = self._moved(factors.long, terms.long, long, seconds)

    def _moved(self, value: float, terms: FactorTerms, shock: float, seconds: float) -> float:
        keep = 0.5 ** (seconds / terms.half_life_s)
        value = value * keep + terms.stationary_sd * math.sqrt(1 - keep * keep) * shock
        if self._random.random() < terms.news_per_second * seconds:
            value += self._random.gauss(terms.news_mean, terms.news_sd)
        return value

"""Frames of one WebSocket client, without a socket."""

from __future__ import annotations

import json
import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.frames import MARKS_OF_CLIENT, PRINTS_AT_FIRST, ClientFrames
from feed.messages import Trade
from feed.views import PRINTS_DECODER, VIEW_DECODER, Depth, Kind
from tests import naive_words as w
from tests.feed_market import naive_levels
from tests.feed_named import SYMBOLS, Followed, NamedMarket

ALL = {"op": "subscribe", "symbols": list(SYMBOLS.values()), "kinds": [str(k) for k in Kind]}
PLENTY = 1 << 24


class Client:
    """What a client makes of its frames."""

    def __init__(self, followed: Followed, as_json: bool, frame_bytes_max: int = PLENTY) -> None:
        self.frames = ClientFrames(followed.view, as_json, frame_bytes_max)
        self.views: dict[tuple[str, str], object] = {}
        self.prints: dict[str, list[object]] = {}
        self.missed: dict[str, int] = {}
        self.errors: list[str] = []
        self.sizes: list[int] = []

    def ask(self, request: dict) -> None:
        """A request in the client's encoding."""
        packed = msgspec.msgpack.encode(request)
        self.frames.receive(json.dumps(request) if self.frames.as_json else packed)

    def take(self) -> bool:
        """The next frame; False if nothing is new."""
        data = self.frames.frame("synchronized")
        if data is None:
            return False
        self.sizes.append(len(data))
        if self.frames.as_json:
            frame = json.loads(data)
            assert frame["state"] == "synchronized"
            entries = frame["views"]
        else:
            _, state, entries = msgspec.msgpack.decode(data, type=tuple[int, str, list])
            assert state == "synchronized"
        for name, kind, view in entries:
            if kind == "trades":
                self.prints.setdefault(name, []).extend(view)
            elif kind == "missed":
                self.missed[name] = self.missed.get(name, 0) + view
            elif kind == "error":
                self.errors.append(view)
            else:
                self.views[name, kind] = view
        return True


def whole(followed: Followed, as_json: bool) -> dict[tuple[str, str], object]:
    """All views as they are, without their times."""
    found = {}
    for instrument, symbol in SYMBOLS.items():
        for kind in Kind:
            encoded = (
                followed.view.encoded(kind, instrument, as_json) if kind != Kind.TRADES else None
            )
            if encoded is not None:
                decode = msgspec.json.decode if as_json else msgspec.msgpack.decode
                found[symbol, str(kind)] = decode(encoded.data)
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 10_000), st.booleans(), st.integers(1, 60))
def test_at_any_pace_a_client_ends_with_the_market(seed: int, as_json: bool, pace: int) -> None:
    """F-101, F-103: newest views, and every trade once and in order."""
    market = NamedMarket(seed, 100)
    followed, rng = Followed(market), random.Random(seed)
    followed.step(rng.randint(0, 30))
    client = Client(followed, as_json)
    client.ask(ALL)
    before = sum(followed.view.print_count(n) for n in followed.books.by_instrument)
    while followed.step(rng.randint(1, pace)):
        client.take()
    while client.take():
        pass
    assert client.views == whole(followed, as_json)
    total = sum(followed.view.print_count(n) for n in followed.books.by_instrument)
    got = sum(map(len, client.prints.values())) + sum(client.missed.values())
    assert total - before <= got <= total and not client.missed
    for instrument, symbol in SYMBOLS.items():
        if not as_json:
            told = PRINTS_DECODER.decode(msgspec.msgpack.encode(client.prints.get(symbol, [])))
            kept = followed.view.prints_after(instrument, 0).prints
            assert told == kept[len(kept) - len(told) :]
    assert not client.take()


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 10_000))
def test_small_frames_bring_everything_in_turn(seed: int) -> None:
    """F-104: no frame is much longer than the bound, and no symbol starves."""
    followed = Followed(NamedMarket(seed, 150))
    followed.step(10**9)
    client = Client(followed, True, frame_bytes_max=400)
    client.ask(ALL)
    while client.take():
        pass
    assert client.views == whole(followed, True)
    assert len(client.sizes) >= len(SYMBOLS)


def test_a_slow_reader_is_told_what_it_missed() -> None:
    """F-103: of trades the newest are kept; how many are not is said."""
    market = NamedMarket(3, 400)
    followed = Followed(market, prints_max=20)
    client = Client(followed, True)
    client.ask(ALL)
    followed.step(40)
    client.take()
    had = {symbol: len(prints) for symbol, prints in client.prints.items()}
    followed.step(10**9)
    while client.take():
        pass
    symbol = SYMBOLS[1]
    total = sum(isinstance(m, Trade) and m.instrument == 1 for m in market.messages())
    assert client.missed[symbol] == total - had.get(symbol, 0) - 20
    assert len(client.prints[symbol]) == had.get(symbol, 0) + 20


def test_a_late_client_gets_the_newest_trades_first() -> None:
    """F-101: not the history."""
    followed = Followed(NamedMarket(3, 800))
    followed.step(10**9)
    client = Client(followed, True)
    client.ask(ALL)
    client.take()
    count = followed.view.print_count(1)
    assert count > PRINTS_AT_FIRST == len(client.prints[SYMBOLS[1]])


def test_unsubscribing_ends_it_and_asking_again_begins_anew() -> None:
    """F-101."""
    followed = Followed(NamedMarket(3, 300))
    followed.step(100)
    client = Client(followed, True)
    client.ask(ALL | {"products": ["SITB"], "candle_minutes": 5})
    client.take()
    assert {("SITB", "curve"), (SYMBOLS[1], "candles")} <= client.views.keys()
    client.ask({"op": "unsubscribe", "symbols": list(SYMBOLS.values()), "products": ["SITB"]})
    followed.step(10**9)
    assert not client.take()
    client.ask(ALL)
    assert client.take()
    expected = whole(followed, True)
    assert {key: client.views[key] for key in expected} == expected


def test_a_star_is_everything_listed() -> None:
    market = NamedMarket(3, 300)
    followed = Followed(market)
    followed.step(10**9)
    client = Client(followed, False)
    client.ask({"op": "subscribe", "symbols": ["*"], "kinds": ["depth"]})
    client.take()
    for instrument, symbol in SYMBOLS.items():
        depth = VIEW_DECODER.decode(msgspec.msgpack.encode(client.views[symbol, "depth"]))
        assert isinstance(depth, Depth)
        assert depth.bids == naive_levels(market.exchange, instrument, w.BUY)[:10]


def test_marks_follow_and_are_bounded() -> None:
    """F-102."""
    followed = Followed(NamedMarket(3, 300))
    followed.step(100)
    client = Client(followed, True)
    ids = [int(i) for i in followed.books.book(1).orders_array(w.BUY)["public_id"]]
    client.ask({"op": "mark", "symbol": SYMBOLS[1], "public_id": ids[-1]})
    client.take()
    queue = client.views[SYMBOLS[1], "queue"]
    assert isinstance(queue, dict) and queue["public_id"] == ids[-1] and queue["time_ns"] > 0
    followed.step(10**9)
    while client.take():
        pass
    newest = client.views[SYMBOLS[1], "queue"]
    assert isinstance(newest, dict)
    truth = followed.view.marks.view(followed.books, ids[-1], newest["time_ns"])
    assert newest == {"type": "QueueAhead", **msgspec.structs.asdict(truth)}
    for public_id in range(10**6, 10**6 + MARKS_OF_CLIENT):
        client.ask({"op": "mark", "symbol": SYMBOLS[1], "public_id": public_id})
    client.take()
    assert client.errors == ["too many marks"]
    client.ask({"op": "unmark", "public_id": ids[-1]})
    client.ask({"op": "mark", "symbol": SYMBOLS[1], "public_id": 10**6 + MARKS_OF_CLIENT})
    client.take()
    assert len(client.errors) == 1 and len(followed.view.marks) == MARKS_OF_CLIENT
    client.frames.close()
    assert len(followed.view.marks) == 0


def test_what_is_wrong_with_a_request_is_said() -> None:
    """F-103: in words, and nothing else happens."""
    client = Client(Followed(NamedMarket(3, 10)), True)
    bad = [
        "", "{", "[]", '{"op":"buy"}', '{"op":"subscribe","kinds":["secret"]}',
        '{"op":"mark","symbol":"NONE","public_id":1}', '{"op":"subscribe","symbol":["*"]}',
        json.dumps({"op": "subscribe", "symbols": ["x"] * 513}), b"\xc1", b"",
    ]  # fmt: skip
    for request in bad:
        client.frames.receive(request)
    assert client.take()
    assert len(client.errors) == len(bad)
    assert not client.take()

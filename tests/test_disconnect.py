"""Cancel on disconnect: what ends a session for its orders, with and without a grace time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.eventlog import EventRows
from engine.turn import VenueHalted
from gateway.assembly import Assembly
from gateway.liveness import SECOND_NS
from specs.loading import SpecError
from specs.venue import VenueConfig, load_venue
from tests.line_rig import Caller, configured, loaded, open_venue

HELD, CANCELLED = ["o1"], []


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket() as found:
        yield found


def resting(parts: Assembly, peer: socket.socket) -> Caller:
    """ALPHA, logged on, with an order in the book."""
    alpha = Caller(parts, peer)
    alpha.log_on()
    enter(alpha)
    return alpha


def enter(caller: Caller, name: str = "o1") -> None:
    """A DAY order that rests."""
    order = ((11, name), (55, "SITB2701"), (54, "1"), (60, "20261123-04:00:00"), (38, 1))
    said = caller.say(b"D", *order, (40, "2"), (44, "2.000"))
    assert said[-1]["150"] == "0", said


def live(parts: Assembly, peer: socket.socket, comp_id: str = "ALPHA2") -> list[str]:
    """ClOrdIDs of ALPHA's live orders, as another session of it sees them."""
    asker = Caller(parts, peer, comp_id)
    asker.log_on((141, "Y"))
    said = asker.say(b"AF", (584, "all"), (585, "7"))
    asker.drop()
    return [one["11"] for one in said if one["39"] != "8"]


def end_graces(parts: Assembly, seconds: float) -> None:
    """As the service's tick does it, so much later."""
    parts.venue.end_graces(time.time_ns() + round(seconds * SECOND_NS))


def venue(folder: Path, mode: str, grace: int = 0) -> VenueConfig:
    text = 'sessions = ["ALPHA", "ALPHA2"]\ncancel_on_disconnect = "off"\n[member.session.ALPHA]\n'
    return loaded(
        folder, f'{text}cancel_on_disconnect = "{mode}"\ndisconnect_grace_seconds={grace}'
    )


@pytest.mark.kernels
@pytest.mark.parametrize("grace", [0, 5])
@pytest.mark.parametrize(
    ("mode", "ending", "left"),
    [
        ("off", "drop", HELD),
        ("off", "logout", HELD),
        ("off", "fault", HELD),
        ("drop", "drop", CANCELLED),
        ("drop", "logout", HELD),
        ("drop", "fault", CANCELLED),
        ("drop", "operator", HELD),
        ("drop_and_logout", "drop", CANCELLED),
        ("drop_and_logout", "logout", CANCELLED),
        ("drop_and_logout", "fault", CANCELLED),
        ("drop_and_logout", "operator", HELD),
    ],
)
def test_o125_o126_what_costs_orders(
    tmp_path: Path, peer: socket.socket, mode: str, ending: str, left: list[str], grace: int
):
    parts = open_venue(tmp_path / "data", venue(tmp_path, mode, grace), time.time_ns())
    alpha = resting(parts, peer)
    if ending == "logout":
        alpha.say(b"5")
    elif ending == "fault":
        alpha.number = 1
        alpha.say(b"0")  # number too low
    elif ending == "operator":
        party = alpha.line.session.party
        assert party is not None and parts.venue.log_out_party(party, "maintenance")
        alpha.say(b"5")
    alpha.drop()
    if grace:
        assert live(parts, peer) == HELD
        end_graces(parts, grace - 1)
        assert live(parts, peer) == HELD
        end_graces(parts, grace + 1)
    assert live(parts, peer) == left
    parts.sequencer.abandon()


@pytest.mark.kernels
def test_o126_who_logs_on_again_in_time_keeps_its_orders(tmp_path: Path, peer: socket.socket):
    parts = open_venue(tmp_path / "data", venue(tmp_path, "drop", 5), time.time_ns())
    alpha = resting(parts, peer)
    alpha.drop()
    alpha.log_on()
    end_graces(parts, 60)
    assert live(parts, peer) == HELD
    alpha.drop()
    end_graces(parts, 60)
    said = [(one["35"], one.get("150")) for one in alpha.log_on((789, 1))]
    assert live(parts, peer) == CANCELLED and ("8", "4") in said
    parts.sequencer.abandon()


@pytest.mark.kernels
def test_o126_a_restart_within_the_grace_gives_the_restart_s_time(
    tmp_path: Path, peer: socket.socket
):
    config = venue(tmp_path, "drop", 3_600)
    parts = open_venue(tmp_path / "data", config, time.time_ns())
    alpha = resting(parts, peer)
    alpha.drop()
    parts.sequencer.abandon()
    parts = open_venue(tmp_path / "data", config, time.time_ns())
    assert live(parts, peer) == HELD
    parts.end_grace(time.time_ns())
    assert live(parts, peer) == CANCELLED
    parts.sequencer.abandon()


@pytest.mark.kernels
def test_o126_the_end_of_a_restart_s_grace_leaves_a_session_s_own_alone(
    tmp_path: Path, peer: socket.socket
):
    config = venue(tmp_path, "drop", 3_600)
    parts = open_venue(tmp_path / "data", config, time.time_ns())
    alpha = resting(parts, peer)
    alpha.drop()
    parts.end_grace(time.time_ns())
    assert live(parts, peer) == HELD
    parts.sequencer.abandon()


@pytest.mark.kernels
@pytest.mark.parametrize("back", [True, False])
def test_o126_a_loss_that_a_halted_venue_cannot_take_comes_later(
    tmp_path: Path, peer: socket.socket, monkeypatch: pytest.MonkeyPatch, back: bool
):
    def halted(commands: np.ndarray, blobs: object = None) -> list[EventRows]:
        raise VenueHalted("disk full")

    parts = open_venue(tmp_path / "data", venue(tmp_path, "drop"), time.time_ns())
    alpha = resting(parts, peer)
    with monkeypatch.context() as patched:
        patched.setattr(parts.sequencer, "submit", halted)
        alpha.drop()
        end_graces(parts, 1)
    assert live(parts, peer) == HELD
    if back:
        alpha.log_on()
    end_graces(parts, 3)
    assert live(parts, peer) == (HELD if back else CANCELLED)
    parts.sequencer.abandon()


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ('cancel_on_disconnect = "yes"', "cancel_on_disconnect", "'drop_and_logout'"),
        ("disconnect_grace_seconds = -1", "disconnect_grace_seconds", "0 to 86,400"),
        ('next_expected = "Y"', "next_expected", "'always', 'echo', 'never'"),
        ("[member.session.NOBODY]", "session.NOBODY", "ALPHA"),
        ('[member.session.ALPHA]\ncancel_on_disconnect = "yes"', "session[...].cancel_on", "drop"),
    ],
)
def test_o127_bad_values_name_the_path(text: str, path: str, allowed: str, tmp_path: Path):
    with pytest.raises(SpecError) as caught:
        load_venue(configured(tmp_path, text))
    assert caught.value.path.startswith(f"$.member[0].{path}")
    assert allowed in caught.value.allowed

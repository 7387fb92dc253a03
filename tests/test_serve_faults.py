"""What `sitex serve` does where it cannot simply go on: a command that asserts, a taken address."""

from __future__ import annotations

import socket

import numpy as np
import pytest

from engine.sequencer import Sequencer
from engine.types import COMMAND, CommandKind
from gateway.cli_replay import run_skip
from perf.venue import Venue


def poison(venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Journals a command on which the engine asserted, as a fault of the program would."""
    sequencer = Sequencer.open(venue.directory, durability="os")
    command = np.zeros(1, COMMAND)
    command["kind"] = CommandKind.STATUS_REQUEST

    def fail(*_: object) -> tuple[int, int]:
        raise AssertionError("books out of order")

    monkeypatch.setattr(type(sequencer.engine), "apply", fail)
    with pytest.raises(AssertionError):
        sequencer.submit(command)
    sequencer.abandon()
    monkeypatch.undo()


def test_skip_needs_a_venue_that_stands_before_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Venue() as venue:
        venue.stop()
        assert run_skip(venue.directory) == 1
        assert "nothing to skip" in capsys.readouterr().err
        poison(venue, monkeypatch)
        venue.start()  # the command is harmless to the real engine: it goes on
        assert venue.process.poll() is None
        with socket.create_connection(("127.0.0.1", venue.fix_port)):
            assert venue.stop() == 0


def test_a_taken_address_is_one_clear_line() -> None:
    with Venue() as venue, pytest.raises(RuntimeError, match="ended with"):
        Venue(settings=(f"fix.port={venue.fix_port}",))

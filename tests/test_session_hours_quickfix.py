"""QuickFIX over the end and the next start of session hours, on a fast venue clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

pytest.importorskip("quickfix", reason="needs the extra [quickfix] (compiles for minutes)")

from perf.client import front_symbol
from perf.venue import Venue
from tests.quickfix_client import Member

SPEED = 120


def test_o120_o121_quickfix_is_logged_out_and_comes_back_to_numbers_from_one(tmp_path: Path):
    """Ten minutes before the end, five of a pause: five and two and a half seconds."""
    now = datetime.now(UTC).replace(microsecond=0)
    end, start = now + timedelta(minutes=10), now + timedelta(minutes=15)
    hours = (
        f"fix.schedule.start_time={start.time()}", f"fix.schedule.end_time={end.time()}",
        'fix.schedule.time_zone="+00:00"',
    )  # fmt: skip
    with Venue(settings=hours, arguments=("--clock", f"fast:{SPEED}")) as venue:
        alpha = Member("ALPHA", venue.fix_port, tmp_path, reset=True)
        try:
            alpha.start()
            alpha.order("h1", "1", 5, "2.000", front_symbol(), t59="1")
            alpha.next(t150="0", t11="h1")
            alpha.wait_until(lambda: alpha.logons == 2 and alpha.logged_on)
            said = [one[58] for one in alpha.admin if one[35] == "5" and 58 in one]
            assert said[0].startswith("end of the session's hours, next Logon ")
            assert all(one.startswith("outside the session's hours") for one in said[1:])
            assert [one[34] for one in alpha.admin if one[35] == "A"] == ["1", "1"]
            alpha.order("h2", "1", 5, "2.000", front_symbol())
            alpha.next(t150="0", t11="h2")
        finally:
            alpha.stop()

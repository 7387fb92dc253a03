"""How the running venue shares its time between lines."""

from __future__ import annotations

import asyncio
from typing import cast

from gateway.server import Line
from gateway.service import OncePerRound


def test_a_line_that_has_more_to_say_has_one_turn_a_round_however_often_it_is_asked_for():
    resending, other = (cast(Line, object()) for _ in range(2))
    taken: list[Line] = []

    async def rounds() -> list[Line]:
        def go_on(line: Line) -> None:
            taken.append(line)
            later(line)  # its resend is not done

        later = OncePerRound(go_on)
        for line in (resending, resending, other, resending):  # reads that came meanwhile
            later(line)
        for _ in range(3):
            await asyncio.sleep(0)
        return list(taken)

    assert asyncio.run(rounds()) == 3 * [resending, other]

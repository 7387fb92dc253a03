"""How the running venue shares its time between lines."""

from __future__ import annotations

import asyncio
from typing import cast

from gateway.server import Line
from gateway.service import Turns


class Open:
    """A line, as far as turns look at it."""

    open = True


def test_o172_lines_that_have_more_to_say_have_one_turn_after_the_other_however_often_they_ask():
    resending, other = (cast(Line, Open()) for _ in range(2))
    taken: list[Line] = []

    async def rounds() -> list[Line]:
        def go_on(line: Line) -> None:
            taken.append(line)
            later(line)  # its resend is not done

        later = Turns(go_on)
        for line in (resending, resending, other, resending):  # reads that came meanwhile
            later(line)
        for _ in range(6):
            await asyncio.sleep(0)
        return list(taken)

    assert asyncio.run(rounds()) == 3 * [resending, other]

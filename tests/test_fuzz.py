"""hypothesis over the targets of `python -m tests.fuzz_atheris`, in every run; 200,000 by command.

Source: house rule "the fuzz law".
"""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz_atheris import Watched, changed
from tests.fuzz_targets import SHARES, opened, seeds

pytestmark = pytest.mark.kernels
EXAMPLES = 200
CORPUS = seeds()


@st.composite
def inputs(draw: st.DrawFn) -> bytes:
    """Seeds changed, and any bytes."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=400))
    return changed(random.Random(draw(st.integers(0, 1 << 32))), CORPUS)


@pytest.mark.parametrize("name", SHARES)
def test_any_input_gives_answers(name: str) -> None:
    with opened(name) as target:
        for seed in CORPUS:
            target(seed)

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        @given(inputs())
        def one(data: bytes) -> None:
            target(data)

        one()


def test_a_fault_of_a_target_is_told_with_its_input() -> None:
    def falls_over(data: bytes) -> None:
        if b"7=" in data:
            raise ValueError("no")

    watched = Watched(falls_over, 10)
    watched(b"0|")
    with pytest.raises(Exception, match=r"2\|7=1"):
        watched(b"2|7=1|")

"""`sitex certify --session ALPHA`: a member's client through situations, and a report.

Instructions go to standard output as text, or with --json a line of JSON each, for clients that are
driven by a program. The report says what was passed and what not, with what the client sent.

Source: specs/order_entry.md O-173, O-174, O-177.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from gateway.certify import Examiner, Instruction, Result
from gateway.certify_situations import SITUATIONS
from gateway.certify_venue import CertifyVenue, with_counterparty
from specs.products import Catalogue, load_products
from specs.venue import VENUE_FILE, VenueConfig, VenueSource, load_venue, permits

PASSED, FAILED, USAGE_ERROR = 0, 1, 2
HEARD_SHOWN = 5  # of what the client sent last, where it failed


@dataclass(frozen=True)
class Terms:
    """What is asked for. only: names of situations, or their beginnings; none: all."""

    session: str
    only: tuple[str, ...] = ()
    report: Path | None = None
    timeout_s: float = 60.0
    as_json: bool = False


def run_certify(config_file: Path | None, overrides: list[str], terms: Terms) -> int:
    """The whole command; the exit code. Raises SpecError."""
    from gateway.cli_serve import run_on_loop
    from gateway.warmup import warm_up

    source = VenueSource(config_file or VENUE_FILE, tuple(overrides))
    catalogue = load_products()
    config = load_venue(source.file, source.overrides, catalogue)
    chosen = [
        one for one in SITUATIONS if not terms.only or any(map(one[0].startswith, terms.only))
    ]
    if not chosen:
        names = " ".join(name for name, _, _ in SITUATIONS)
        sys.stderr.write(f"sitex certify: no such situation; there are {names}\n")
        return USAGE_ERROR
    try:
        with_counterparty(config, terms.session, "")
    except LookupError as error:
        sys.stderr.write(f"sitex certify: {error.args[0]}\n")
        return USAGE_ERROR
    warm_up(lambda text: _say(text, terms))
    with tempfile.TemporaryDirectory(prefix="sitex-certify-") as folder:
        venue = CertifyVenue(terms.session, config, source, catalogue, Path(folder))
        return run_on_loop(
            _examine(venue, _symbol(config, catalogue, terms.session), terms, chosen)
        )


async def _examine(venue: CertifyVenue, symbol: str, terms: Terms, chosen: list) -> int:
    def tell(one: Instruction) -> None:
        if terms.as_json:
            _write(msgspec.json.encode(asdict(one)).decode())
        else:
            _write(f"{one.number:>3}  [{one.situation}] {one.text}")

    try:
        try:
            await venue.start()
        except OSError as error:
            sys.stderr.write(f"sitex certify: {error}\n")
            return FAILED
        fix = venue.config.fix
        _say(
            f"{len(chosen)} situations for {venue.comp_id} on {fix.host}:{venue.port}, "
            f"TargetCompID {venue.config.target_comp_id}", terms,
        )  # fmt: skip
        examiner = Examiner(venue, symbol, tell, terms.timeout_s)
        results = await examiner.run(chosen)
    finally:
        await venue.stop()
    dialects = sorted(examiner.dialects)
    text = report_text(venue.comp_id, dialects, results)
    if terms.as_json:
        _write(msgspec.json.encode({"results": [asdict(one) for one in results]}).decode())
    else:
        _write(text)
    if terms.report is not None:
        terms.report.with_suffix(".txt").write_text(text + "\n")
        found = {"session": venue.comp_id, "dialects": dialects,
                 "passed": all(one.passed for one in results),
                 "results": [asdict(one) for one in results]}  # fmt: skip
        terms.report.with_suffix(".json").write_bytes(msgspec.json.encode(found))
    return PASSED if all(one.passed for one in results) else FAILED


def report_text(session: str, dialects: list[str], results: list[Result]) -> str:
    """The report as a person reads it; dialects: what the client spoke (O-177)."""
    lines = []
    for one in results:
        lines.append(f"{'pass' if one.passed else 'FAIL'}  {one.situation:<22} {one.shows}")
        if not one.passed:
            lines.append(f"      {one.problem}")
            lines += [f"      the client sent {text}" for text in one.heard[-HEARD_SHOWN:]]
    passed = sum(one.passed for one in results)
    verdict = "passed" if passed == len(results) else "NOT passed"
    who = f"{session} in {' and '.join(dialects) or 'no dialect'}"
    return "\n".join([*lines, f"{who}: {passed} of {len(results)} situations, {verdict}"])


def _symbol(config: VenueConfig, catalogue: Catalogue, comp_id: str) -> str:
    """What is traded: the second month of the first product that the member may trade."""
    import time

    member = next(one for one in config.members if comp_id in one.comp_ids)
    day = config.day.venue_day().at(time.time_ns())
    codes = [code for code in ("SITB", *catalogue.codes) if permits(member, code)]
    months = [one.symbol for one in catalogue.contracts(day) if one.product.code == codes[0]]
    return months[1] if len(months) > 1 else months[0]


def _say(text: str, terms: Terms) -> None:
    _write(msgspec.json.encode({"say": text}).decode() if terms.as_json else text)


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()

"""A QuickFIX client that does what `sitex certify --json` says: as a member's own driver would."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from perf.venue import ROOT, free_port
from tests.relay import Relay

WAIT_S = 300


class Driven:
    """ALPHA by QuickFIX, over a relay that can break its line."""

    def __init__(self, port: int, folder: Path, begin: str) -> None:
        from tests.quickfix_client import Member

        self.relay = Relay(port)
        member = Member("ALPHA", self.relay.port, folder, begin=begin)
        self.member = member.set("HeartBtInt", "1")
        self.runs = False
        self.orders = 0

    def do(self, instruction: dict[str, Any]) -> None:
        """One instruction."""
        terms, member = instruction["terms"], self.member
        self.orders += 1
        ident = f"C{self.orders}"
        match instruction["do"]:
            case "log_on":
                if not self.runs:
                    self.runs = True
                    member.start()
            case "new_order":
                side, qty, price = terms["side"], int(terms["qty"]), terms["price"]
                member.order(ident, side, qty, price, terms["symbol"], t59=terms["time_in_force"])
                self.symbol = terms["symbol"]
            case "cancel":
                member.cancel(ident, terms["orig_cl_ord_id"], "1", self.symbol)
            case "replace":
                orig, qty = terms["orig_cl_ord_id"], int(terms["qty"])
                member.replace(ident, orig, "1", qty, terms["price"], terms["symbol"])
            case "log_out":
                self.runs = False
                member.stop()
            case "cut_the_line":
                self.relay.cut()
            case "wait":
                return
            case other:
                raise ValueError(other)

    def close(self) -> None:
        """Ends client and relay."""
        self.relay.close()
        self.member.stop()


def certify(folder: Path, *arguments: str, port: int = 0) -> subprocess.Popen[str]:
    """`sitex certify` for ALPHA on a free port, its instructions as JSON."""
    command = [
        sys.executable, "-m", "gateway.cli", "certify", "--session", "ALPHA", "--json",
        "--set", f"fix.port={port or free_port()}", "--report", str(folder / "report"), *arguments,
    ]  # fmt: skip
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def drive(
    folder: Path, *arguments: str, begin: str = "FIX.4.4"
) -> tuple[int, list[dict[str, Any]]]:
    """A whole certification by QuickFIX in a dialect; exit code and results."""
    port = free_port()
    examiner = certify(folder, *arguments, port=port)
    client: Driven | None = None
    results: list[dict[str, Any]] = []
    try:
        assert examiner.stdout
        for line in examiner.stdout:
            said = json.loads(line)
            if "do" in said:
                client = client or Driven(port, folder, begin)
                client.do(said)
            results = said.get("results", results)
        return examiner.wait(WAIT_S), results
    finally:
        examiner.kill()
        examiner.wait()
        if examiner.stdout:
            examiner.stdout.close()
        if client is not None:
            client.close()

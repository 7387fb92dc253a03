"""The command line: what it says without a venue, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("numba", "numpy", "uvloop", "llvmlite")


def sitex(*arguments: str, code: int = 0, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", *arguments],
        capture_output=True, text=True, timeout=60, **options,
    )  # fmt: skip
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done


def test_help_names_every_command():
    text = sitex("--help").stdout
    commands = ("serve", "demo", "watch", "replay", "book", "halt", "kill")
    commands += ("instruments", "implied")

    for command in commands:
        assert command in text


@pytest.mark.parametrize("arguments", [["--help"], ["instruments"], ["serve", "--help"]])
def test_light_commands_import_nothing_heavy(arguments: list[str]):
    code = (
        "import sys, runpy\nsys.argv = ['sitex', *sys.argv[1:]]\n"
        "try:\n    runpy.run_module('gateway.cli', run_name='__main__')\n"
        "except SystemExit:\n    pass\n"
        f"found = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.stderr.write(' '.join(found))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""


def test_instruments_of_a_date():
    lines = sitex("instruments", "--on", "2026-11-20").stdout.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines if line.strip()}
    assert rows["SITB2612"] == ["2026-12-16", "2.000", "1.800", "2.200"]
    assert rows["SITS2803"] == ["2028-03-15", "14.00", "12.60", "15.40"]
    assert rows["SITB2612-2703"] == ["2026-12-16", "SITB2612", "SITB2703"]
    assert rows["INF2612"] == ["2026-12-16", "SITB2612", "GH12612"]
    assert rows["GB22611"] == ["2026-11-30", "5.87", "4.99", "6.75"]
    assert lines[-1] == "134 contracts and 46 spreads of 9 products on 2026-11-20"
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_instruments_show_the_hours_of_each_product():
    text = sitex("instruments", "--on", "2026-11-23").stdout
    for part in (
        "  SHFE_0230, trading date 2026-11-23 in Asia/Shanghai:\n"
        "    Fri call 20:55, 21:00-02:30\n"
        "    Mon call 08:55, 09:00-10:15; 10:30-11:30; 13:30-15:00",
        "  CME_23X5, trading date 2026-11-23 in America/Chicago:\n    Sun call 16:45, 17:00-16:00",
        "  24X5, trading date 2026-11-23 in America/New_York:\n    Sun call 17:00, 17:05-17:00",
    ):
        assert part in text
    # no night before a public holiday's end; a holiday shows the next trading date
    holiday = sitex("instruments", "--product", "SITB", "--on", "2026-10-03").stdout
    assert "trading date 2026-10-08" in holiday
    assert "    Thu call 08:55, 09:00-10:15; 10:30-11:30; 13:30-15:00" in holiday


def test_instruments_of_one_product():
    text = sitex("instruments", "--product", "gh2", "--on", "2026-11-20").stdout
    assert "GH22611" in text and "SITB" not in text


def test_unknown_product_is_refused_with_those_there_are():
    error = sitex("instruments", "--product", "SITX", code=2).stderr
    assert "SITX" in error and "SIT, SITB, SITP" in error


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("fix.port=99999", "$.fix.port"),
        ("fix.host=0.0.0.0", "$.member[0].password_hash"),
        ("nonsense", "NAME=VALUE"),
    ],
)
def test_serve_refuses_bad_values_before_anything_is_written(
    override: str, said: str, tmp_path: Path
):
    data = tmp_path / "data"
    error = sitex("serve", "--data", str(data), "--set", override, code=2).stderr
    assert said in error and "allowed:" in error
    assert not data.exists()


def test_serve_names_the_file_of_a_bad_value(tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text('durability = "disk"\n[[member]]\nname = "A"\n[[member.account]]\nname = "A"\n')
    error = sitex("serve", "--config", str(file), "--data", str(tmp_path / "d"), code=2).stderr
    assert f"{file}: $.durability" in error and "'fsync', 'os'" in error


def test_password_prints_a_hash_that_venue_toml_takes():
    done = sitex("password", input="secret\nsecret\n")
    assert "scrypt:" in done.stdout

"""`python -m tests.fuzz_atheris [--runs N] [--target NAME] [--seed N] [--plain]`: fuzz by command.

N inputs over tests/fuzz_targets.py, most of them for the decoder. Mutated by atheris (libFuzzer),
guided by the coverage of the gateway's Python; kernels are machine code and give no coverage. Where
atheris is not installed, or with --plain, by a loop of this file over the same seeds, without
coverage. An input is at fault that raises, that takes more than CPU_MS_MAX of processor time three
times in a row, or after which the process has grown by more than GROWTH_MB_MAX since a quarter of
the inputs. It is then printed, and the command fails.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

CPU_MS_MAX = 50
GROWTH_MB_MAX = 64
TRIES = 3
ROOT = Path(__file__).resolve().parent.parent


class Faulty(Exception):
    """An input at fault; the text says why."""


class Watched:
    """A target, its inputs counted and held against the bounds."""

    def __init__(self, target: Callable[[bytes], None], runs: int) -> None:
        self._target, self.runs = target, runs
        self.count = 0
        self.worst_ms = 0.0
        self.base_mb = self.end_mb = 0.0

    def __call__(self, data: bytes) -> None:
        taken = self._timed(data)
        if taken > CPU_MS_MAX:  # another process, a collection: it counts only when it comes again
            taken = min(taken, *(self._timed(data) for _ in range(TRIES - 1)))
        self.worst_ms = max(self.worst_ms, taken)
        if taken > CPU_MS_MAX:
            raise Faulty(f"{taken:.0f} ms of processor time: {data!r}")
        self.count += 1
        if self.count == max(1, self.runs // 4):
            self.base_mb = resident_mb()
        if self.count == self.runs:
            gc.collect()
            self.end_mb = resident_mb()
            if self.end_mb - self.base_mb > GROWTH_MB_MAX:
                raise Faulty(f"grew from {self.base_mb:.0f} MB to {self.end_mb:.0f} MB")

    def _timed(self, data: bytes) -> float:
        begin = time.thread_time_ns()
        try:
            self._target(data)
        except Exception as error:
            raise Faulty(f"{data!r}") from error
        return (time.thread_time_ns() - begin) / 1e6

    def line(self, how: str) -> str:
        """What a run that found nothing says."""
        return (
            f"{self.count:,} inputs by {how}, no fault; the slowest {self.worst_ms:.1f} ms, "
            f"{self.base_mb:.0f} MB after a quarter, {self.end_mb:.0f} MB at the end"
        )


def resident_mb() -> float:
    """Resident memory of this process."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except FileNotFoundError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def changed(chance: random.Random, corpus: list[bytes]) -> bytes:
    """A seed, or two crossed, with some bytes and some fields changed."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        how = chance.randrange(7)
        at = chance.randrange(len(data) + 1)
        other = chance.choice(corpus)
        if how == 0:
            data[at : at + 1] = chance.randbytes(1)
        elif how == 1:
            del data[at : at + chance.randrange(1, 12)]
        elif how == 2:
            data[at:at] = chance.randbytes(chance.randrange(1, 12))
        elif how == 3:
            data[at:at] = other[: chance.randrange(len(other) + 1)]
        elif how == 4:
            data += b"\n" + other
        elif how == 5:
            fields = data.split(b"|")
            fields.insert(chance.randrange(len(fields) + 1), chance.choice(other.split(b"|")))
            data = bytearray(b"|".join(fields))
        else:
            data[at:at] = chance.choice((b"0", b"-1", b"99999999999999999999", b".", b"=", b"|"))
    return bytes(data)


def run_plain(name: str, runs: int, seed: int) -> None:
    """The loop of this file."""
    from tests.fuzz_targets import opened, seeds

    chance, corpus = random.Random(seed), seeds()
    with opened(name) as target:
        watched = Watched(target, runs)
        for number in range(runs):
            watched(corpus[number] if number < len(corpus) else changed(chance, corpus))
    print(f"{name}: {watched.line('a loop without coverage')}", flush=True)  # noqa: T201


def run_atheris(name: str, runs: int, seed: int) -> None:
    """libFuzzer's loop; it ends the process."""
    import atheris

    # sent_rows compares arrays, and atheris never lets go of what comes of that
    kernels = ["gateway.sent_rows"]
    kernels += [f"gateway.{path.stem}" for path in (ROOT / "gateway").glob("*.py")
               if "kernel" in path.read_text()]  # fmt: skip
    with atheris.instrument_imports(include=["gateway"], exclude=kernels):
        from tests.fuzz_targets import INPUT_BYTES_MAX, opened, seeds
    with tempfile.TemporaryDirectory(prefix="sitex-seeds-") as folder, opened(name) as target:
        for number, data in enumerate(seeds()):
            Path(folder, str(number)).write_bytes(data)
        watched = Watched(target, runs)

        def one(data: bytes) -> None:
            if watched.count < runs:
                watched(data)
                if watched.count == runs:
                    print(f"{name}: {watched.line('atheris')}", flush=True)  # noqa: T201

        options = (f"-runs={runs}", f"-seed={seed}", f"-max_len={INPUT_BYTES_MAX}",
                   "-verbosity=0", "-rss_limit_mb=4096", f"-artifact_prefix={folder}/")  # fmt: skip
        atheris.Setup([sys.argv[0], *options, folder], one)
        atheris.Fuzz()


def has_atheris() -> bool:
    """Whether this Python can import it."""
    try:
        import atheris  # noqa: F401
    except ImportError:
        return False
    return True


def run_all(runs: int, seed: int, plain: bool) -> int:
    """A process a target, side by side; the exit code."""
    from tests.fuzz_targets import SHARES

    if not plain and not has_atheris():
        print("atheris is not installed: a loop without coverage instead")  # noqa: T201
        plain = True
    begin = time.monotonic()
    how = ["--plain"] if plain else []
    running = []
    failed = False
    # libFuzzer ends a process without a word: what is left in its temporary folders goes with this
    with tempfile.TemporaryDirectory(prefix="sitex-fuzz-") as folder:
        for name, share in SHARES.items():
            count = round(runs * share)
            command = [sys.executable, "-m", "tests.fuzz_atheris", "--target", name, "--runs",
                       str(count), "--seed", str(seed), *how]  # fmt: skip
            process = subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE,
                                       env={**os.environ, "TMPDIR": folder})  # fmt: skip
            running.append((count, process))
        for count, process in running:
            said, errors = process.communicate()
            sys.stdout.write(said)
            if process.returncode or f"{count:,} inputs" not in said:
                sys.stdout.write(errors)
                failed = True
    if failed:
        return 1
    print(f"{runs:,} inputs in {time.monotonic() - begin:.0f} s")  # noqa: T201
    return 0


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_atheris", description=__doc__)
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", default="")
    parser.add_argument("--plain", action="store_true")
    chosen = parser.parse_args()
    if not chosen.target:
        raise SystemExit(run_all(chosen.runs, chosen.seed, chosen.plain))
    run = run_plain if chosen.plain else run_atheris
    run(chosen.target, chosen.runs, chosen.seed)


if __name__ == "__main__":
    main()

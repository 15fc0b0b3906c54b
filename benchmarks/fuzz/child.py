"""One process that executes mutations of the inputs of one reader, under limits on memory and time.

    python -m benchmarks.fuzz.child READER SECONDS SEED FOLDER

It writes FOLDER/status.json twice a second. Coverage guides the mutations where atheris is installed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import random
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from benchmarks.harness import one_thread

one_thread()

from benchmarks.fuzz.mutation import MOST_BYTES, mutated

if TYPE_CHECKING:
    from benchmarks.fuzz.reader import Reader

MOST_SECONDS = 2.0  # of CPU time, for one execution
MOST_MEMORY = 2**30  # bytes above those of the process with everything loaded
MOST_MESSAGE = 2000  # characters
ROOT = Path(__file__).resolve().parents[2]


class HangError(BaseException):
    """An execution took more than `MOST_SECONDS`; no reader catches this."""


class Executions:
    """Executes inputs, counts what came of them, and saves those that are findings."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        from lagrl.errors import LagrlError

        self.reader, self.folder, self._expected = reader, folder, LagrlError
        self.started = self._written = time.monotonic()
        self.counts = {"executions": 0, "read": 0, "refused": 0}
        self.findings: dict[str, int] = {}
        self.slowest = 0.0
        (folder / "input").mkdir(exist_ok=True)
        signal.signal(signal.SIGPROF, _hang)

    def run(self, data: bytes) -> None:
        """Execute one input."""
        self.counts["executions"] += 1
        before = time.process_time()
        (self.folder / "current").write_bytes(data)  # the parent saves it if this process ends
        try:
            signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
            try:
                self.reader.read(data, self.folder / "input")
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0.0)
            self.counts["read"] += 1
        except self._expected as error:
            self.counts["refused"] += 1
            if not str(error).isprintable() or len(str(error)) > MOST_MESSAGE:
                self._save(data, f"message: {_place(error)}")
        except (Exception, HangError) as error:
            self._save(data, f"{type(error).__name__}: {_place(error)}")
        self.slowest = max(self.slowest, time.process_time() - before)
        if time.monotonic() > self._written + 0.5:
            self.write()

    def write(self) -> None:
        """Write what was counted so far."""
        self._written = time.monotonic()
        status = {
            **self.counts,
            "seconds": round(self._written - self.started, 2),
            "slowest_seconds": round(self.slowest, 3),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "findings": self.findings,
        }
        temporary = self.folder / "status.part"
        temporary.write_text(json.dumps(status))
        temporary.replace(self.folder / "status.json")

    def _save(self, data: bytes, finding: str) -> None:
        """Save the first input of a finding."""
        if finding not in self.findings:
            (self.folder / f"finding-{len(self.findings)}").write_bytes(data)
        self.findings[finding] = self.findings.get(finding, 0) + 1


def main(name: str, seconds: float, seed: int, folder: Path) -> None:
    """Execute mutations for some seconds."""
    is_guided = importlib.util.find_spec("atheris") is not None
    with _instrumented(is_guided):
        from benchmarks.fuzz.run import READERS

        reader = READERS[name]()
        executions = Executions(reader, folder)
        warnings.simplefilter("ignore")
        for data in reader.seeds:
            executions.run(data)
    memory = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (memory + MOST_MEMORY, resource.RLIM_INFINITY))
    executions.started = time.monotonic()
    executions.write()
    if is_guided:
        _guided(executions, seconds, seed)
    rng = random.Random(seed)
    while time.monotonic() < executions.started + seconds:
        executions.run(mutated(rng.choice(reader.seeds), reader.seeds, rng))
    executions.write()


def _instrumented(is_guided: bool) -> contextlib.AbstractContextManager[Any]:
    """Return a context in which imported modules of this repository report their coverage."""
    if not is_guided:
        return contextlib.nullcontext()
    import atheris

    made: contextlib.AbstractContextManager[Any] = atheris.instrument_imports(
        include=["lagrl", "envs", "policies", "train"], enable_loader_override=False
    )
    return made


def _guided(executions: Executions, seconds: float, seed: int) -> None:
    """Let libFuzzer choose inputs by coverage; it ends the process."""
    import atheris

    corpus = executions.folder / "corpus"
    corpus.mkdir(exist_ok=True)
    for number, data in enumerate(executions.reader.seeds):
        (corpus / f"seed-{number}").write_bytes(data)

    def mutate(data: bytes, most: int, own: int) -> bytes:
        rng = random.Random(own)
        if rng.random() < 0.1:
            return bytes(atheris.Mutate(data, most))
        return mutated(data, executions.reader.seeds, rng)[:most]

    options = [f"-max_total_time={max(1, round(seconds))}", f"-seed={seed + 1}", f"-max_len={MOST_BYTES}"]
    options += ["-rss_limit_mb=0", "-timeout=60", "-verbosity=0", f"-artifact_prefix={executions.folder}/"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], executions.run, custom_mutator=mutate)
    atheris.Fuzz()


def _hang(*_: object) -> NoReturn:
    raise HangError


def _place(error: BaseException) -> str:
    """Return the innermost line of this repository in the traceback of an error."""
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    own = [f"{path.relative_to(ROOT)}:{line}" for path, line in frames if path.is_relative_to(ROOT)]
    return own[-1] if own else "?"


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))

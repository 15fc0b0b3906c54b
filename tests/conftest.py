"""Puts this folder on the path, so that tests can import the oracles; gives each process of a test one thread.

With several test processes, more threads than cores wait for each other: the tests of torch took four times as long.
"""

import os
import time

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is loaded, also by the processes that tests start
settings.register_profile("busy", suppress_health_check=[HealthCheck.too_slow])  # by the wall clock: other programs run
settings.load_profile("busy")


@pytest.fixture
def processor_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure seconds by the processor's time of this process, so that other programs take none of a budget."""
    monkeypatch.setattr(time, "perf_counter", time.process_time)

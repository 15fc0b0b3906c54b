"""Readers of instances, solutions, rows and option strings."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.fuzz.reader import Reader, json_lines, temporary_folder, written
from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

_NODES = b"""NODE_COORD_SECTION
1 0 0
2 3 4
3 6 8
4 0 2.5
"""
_DEMANDS = b"""DEMAND_SECTION
1 0
2 5
3 5
4 7
DEPOT_SECTION
 1
 -1
EOF
"""
_MATRICES = {
    b"LOWER_ROW": b"5\n10 5\n2.5 3 6\n",
    b"FULL_MATRIX": b"0 5 10 2\n5 0 5 3\n10 5 0 6\n2 3 6 0\n",
    b"UPPER_ROW": b"5 10 2\n5 3\n6\n",
    b"LOWER_DIAG_ROW": b"0\n5 0\n10 5 0\n2 3 6 0\n",
}
_SOLUTION = b"Route #1: 1 2\nRoute #2: 3\nCost 26\n"


def _instance(kind: bytes, data: bytes = _NODES, more: bytes = b"") -> bytes:
    head = b"NAME : T-n4-k2\nCOMMENT : (three customers)\nTYPE : CVRP\nDIMENSION : 4\nCAPACITY : 10\n"
    return head + b"EDGE_WEIGHT_TYPE : " + kind + b"\n" + more + data + _DEMANDS


INSTANCE = _instance(b"EUC_2D")


def instance() -> Reader:
    """Return the reader of `.vrp` files."""
    from lagrl.problems.cvrplib import read_instance

    def read(data: bytes, folder: Path) -> None:
        read_instance(written(folder / "in.vrp", data))

    explicit = [
        _instance(b"EXPLICIT", b"EDGE_WEIGHT_SECTION\n" + matrix, b"EDGE_WEIGHT_FORMAT : " + form + b"\n")
        for form, matrix in _MATRICES.items()
    ]
    kinds = [_instance(kind) for kind in (b"CEIL_2D", b"ATT", b"GEO")]
    small = [INSTANCE.replace(b"2 3 4", b"2 0.3 1e-300"), INSTANCE.replace(b"2 5\n", b"2 5.0e+00\n")]
    return Reader(read, [INSTANCE, *explicit, *kinds, *small, _instance(b"EUC_2D", more=b"SERVICE_TIME : 0\n")])


def solution() -> Reader:
    """Return the reader of `.sol` files, beside an instance and for it."""
    from lagrl.problems.cvrplib import read_instance, read_solution
    from lagrl.problems.solution import check

    with temporary_folder() as text:
        problem = read_instance(written(Path(text) / "in.vrp", INSTANCE))

    def read(data: bytes, folder: Path) -> None:
        path = written(folder / "in.sol", data)
        check(problem, read_solution(path))
        read_solution(path, problem)
        read_instance(written(folder / "in.vrp", INSTANCE))

    return Reader(
        read, [_SOLUTION, _SOLUTION + b"Solver lagrl 1\nTime: 3\n", b"route 1: 3\nroute 2: 1 2\ncost : 2.6e1"]
    )


def rows() -> Reader:
    """Return the reader of result rows, gzipped ones included."""
    from lagrl.bench.rows import read_rows

    def read(data: bytes, folder: Path) -> None:
        read_rows(written(folder / ("in.jsonl.gz" if data[:2] == b"\x1f\x8b" else "in.jsonl"), data))

    plain = _row_lines()
    older = plain.replace(b'"method": "search"', b'"reconstruct": "pool"')
    return Reader(read, [plain, older, gzip.compress(plain, mtime=0)])


def reports() -> Reader:
    """Return the reader of rows with the reports on them."""
    from lagrl.bench.report import report
    from lagrl.bench.rows import read_rows

    def read(data: bytes, folder: Path) -> None:
        found = read_rows(written(folder / "in.jsonl", data))
        report(found)
        report(found, format="csv")

    return Reader(read, [_row_lines()])


def answers() -> Reader:
    """Return the check of samplers' answers: strings and counts of any type, shape and size."""
    import numpy as np

    from lagrl.relaxation.sampler import Samples, require_samples

    kinds = ("uint8", "int64", "uint64", "int32", "float64", "bool")

    def read(data: bytes, folder: Path) -> None:
        try:
            plain = json.loads(data)
            strings = np.array(plain["strings"], np.dtype(kinds[plain["kind"][0]]))
            counts = np.array(plain["counts"], np.dtype(kinds[plain["kind"][1]]))
        except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
            return  # no arrays
        samples = Samples(strings, counts)
        require_samples(samples, (2, 3), "own")
        samples.draw(3, np.random.default_rng(0))
        samples.best(np.full((2, 3), -1.0), np.ones(3, int), np.ones(2, int))

    answer = {"strings": [[[0, 1, 1], [1, 0, 0]], [[0, 0, 0], [1, 1, 1]]], "counts": [[1, 2], [3, 0]], "kind": [0, 1]}
    return Reader(read, [json.dumps(answer).encode()])


def options() -> Reader:
    """Return the readers of option strings and of records of options."""
    from envs.config import EnvConfig
    from lagrl.problems.fleet import Fleet
    from lagrl.problems.locate import set_of
    from lagrl.quantum.bandit.features import Arm
    from lagrl.quantum.bandit.options import BanditOptions
    from lagrl.samplers.registry import is_learning, require_known
    from lagrl.samplers.spec import SamplerSpec
    from policies.config import PolicyConfig

    def sampler(text: str) -> None:
        require_known(text)
        is_learning(text)
        SamplerSpec.parse(text).read(BanditOptions)

    texts: dict[str, Callable[[str], object]] = {
        "sampler": sampler,
        "fleet": Fleet.parse,
        "name": set_of,
        "arm": Arm.parse,
    }
    records: dict[str, Callable[[Any], object]] = {"env": EnvConfig.from_json, "policy": PolicyConfig.from_json}

    def read(data: bytes, folder: Path) -> None:
        try:
            plain = json.loads(data)
        except (ValueError, RecursionError):
            plain = dict.fromkeys(texts, data.decode("utf-8", "replace"))
        for name, value in plain.items() if isinstance(plain, dict) else ():
            reader = texts.get(name) if isinstance(value, str) else records.get(name)
            if reader is not None:
                with contextlib.suppress(InputError):
                    reader(value)

    seed = {
        **{"sampler": "bandit:state.json+epsilon=0.1+alpha=0.2+learn=false", "fleet": "atleast:3"},
        **{"name": "X-n101-k25", "arm": "fake_kingston/line0/qaoa/2"},
        **{"env": EnvConfig.preset("default").to_json(), "policy": PolicyConfig.preset("small").to_json()},
    }
    some = [
        b"qaoa+layers=2+shots=100",
        b"noisy:FakeKingston+method=density",
        b"exact:5",
        b"replay:a.jsonl+sampler=qaoa",
    ]
    return Reader(read, [json.dumps(seed).encode(), *some])


def _row_lines() -> bytes:
    row: dict[str, Any] = {
        **{"schema": "lagrl-row/1", "key": "", "instance": "", "family": "A", "n_customers": 31, "n_vehicles": 5},
        **{"controller": "", "sampler": "exact", "fleet": "exact:5", "method": "search", "budget": 10, "seed": 0},
        **{"evaluations": 10, "circuits": 0, "shots": 0, "seconds": 0.5, "quantum_seconds": 0.0},
        **{"recording_seconds": 0.0, "dual_value": 700.0, "cost": 800.0, "best_known": 784.0, "gap_pct": 2.0},
        **{"n_routes": 5, "feasible": True, "config": {"controller": "hwc"}, "config_hash": "0123456789ab"},
        **{"versions": {"lagrl": "0.1.0"}, "git_revision": "abcdefabcdef", "history": [[1, 0.1, 820.0]]},
    }
    pairs = [(name, controller) for name in ("A-n32-k5", "A-n33-k5") for controller in ("hwc", "perturbed")]
    return json_lines(*({**row, "instance": a, "controller": b, "key": f"{a}/{b}"} for a, b in pairs))

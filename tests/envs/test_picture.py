"""Frames: what they show, and that they depend on the episode only although the figure is reused."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the viz extra")

import envs.picture
from envs.env import LagrangianCVRP
from envs.picture import Curve, CurveLine, Map, picture_of
from envs.sb3 import LagrangianVecEnv
from envs.search.sb3 import LagrangianSearchVecEnv
from lagrl.problems.bundled import read_bundled
from lagrl.problems.solution import Solution
from lagrl.recovery.savings import clarke_wright

PROBLEM = read_bundled("G-n16-k3")
ORANGE = np.array([0xD5, 0x5E, 0x00])
YELLOW = np.array([253, 231, 36])  # the last colour of viridis


def some_map(**changed: Any) -> Map:
    """A map of a small instance with its savings routes."""
    n = PROBLEM.n_customers
    given: dict[str, Any] = {
        "problem": PROBLEM,
        "solution": clarke_wright(PROBLEM),
        "values": np.arange(n) / n,
        "label": "value",
        "ringed": np.zeros(n, np.bool_),
        "note": "ringed: marked",
    }
    return Map(**given | changed)


def some_curve(*values: Any, name: str = "line") -> Curve:
    """A curve of lines through given values."""
    lines = [CurveLine(f"{name} {number}", line, "#0072B2") for number, line in enumerate(values)]
    return Curve("Title", lines, 1, 10, "steps", ("costs",))


def share_of(picture: np.ndarray, colour: np.ndarray, columns: slice) -> int:
    """The number of pixels of nearly a colour in some columns."""
    return int((np.abs(picture[:, columns].astype(int) - colour).max(axis=2) < 12).sum())


def test_the_same_episode_gives_the_same_frame() -> None:
    """Frames of other instances in between, and another thread's figure, change nothing."""
    env = LagrangianCVRP(n_max=40, n_customers=[6, 40], max_steps=6, render_mode="rgb_array")
    env.reset(seed=0, options={"instance": "G-n16-k3"})
    first = env.render()
    for seed in range(3):
        env.reset(seed=seed)
        env.step(np.zeros(40, np.float32))
        assert not np.array_equal(env.render(), first)
    env.reset(seed=0, options={"instance": "G-n16-k3"})
    seen = [env.render()]
    thread = threading.Thread(target=lambda: seen.append(env.render()))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(seen[0], first)
    np.testing.assert_array_equal(seen[1], first)


def test_the_figure_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Further frames make no figure, which would take most of their time."""
    picture_of(some_map(), some_curve([1.0, 2.0]))
    made: list[tuple[float, float]] = []
    monkeypatch.setattr(envs.picture, "new_figure", lambda *size: made.append(size))
    picture_of(some_map(values=np.ones(15)), some_curve([3.0, 2.0, 4.0], [1.0]))
    assert made == []


def test_the_map_shows_values_marks_and_routes() -> None:
    """The highest value is yellow, marks are orange rings, routes are lines; the rest of the picture stays."""
    left = slice(0, 560)
    plain = picture_of(some_map(), some_curve([1.0, 2.0]))
    marked = picture_of(some_map(ringed=np.arange(15) < 3), some_curve([1.0, 2.0]))
    assert share_of(plain, ORANGE, left) == 0
    assert share_of(marked, ORANGE, left) > 3 * 30
    assert share_of(plain, YELLOW, left) > 30
    without = picture_of(some_map(solution=None), some_curve([1.0, 2.0]))
    drawn = (plain[40:, left] != without[40:, left]).any(axis=2).sum()
    single = picture_of(some_map(solution=Solution(clarke_wright(PROBLEM).routes[:1], 1.0)), some_curve([1.0, 2.0]))
    assert drawn > (single[40:, left] != without[40:, left]).any(axis=2).sum() > 100
    np.testing.assert_array_equal(plain[:, 720:], without[:, 720:])


def test_the_curve_shows_its_lines() -> None:
    """A rising line goes from the lower left to the upper right; values that do not exist are left out."""
    right, blue = slice(795, 1320), np.array([0x00, 0x72, 0xB2])
    picture = picture_of(some_map(), some_curve(np.arange(1.0, 11.0)))
    rows, columns = np.nonzero(np.abs(picture[90:, right].astype(int) - blue).max(axis=2) < 12)
    assert np.corrcoef(rows, columns)[0, 1] < -0.99
    gaps = picture_of(some_map(), some_curve([1.0, 2.0, np.nan, np.nan, np.nan, 6.0, 7.0, 8.0, 9.0, 10.0]))
    assert 100 < share_of(gaps, blue, right) < share_of(picture, blue, right)


@pytest.mark.parametrize(
    "values", [[], [np.nan], [0.0], [5.0, 5.0], [1e-12, 2e-12], [1e12, 3e12], [-2e7, 1e7], [123456.5, 123456.6]]
)
def test_any_values_can_be_drawn(values: list[float]) -> None:
    """No values, equal ones, very small and very large ones, and long names give a picture of the same shape."""
    n = PROBLEM.n_customers
    spread = np.resize(values or [0.0], n)
    named = replace(PROBLEM, name="x" * 300)
    drawn = some_map(problem=named, values=np.nan_to_num(spread))
    picture = picture_of(drawn, some_curve(values, name="a long name " * 20))
    assert picture.shape == (576, 1320, 3)
    assert picture.dtype == np.uint8


SMALL: dict[str, Any] = {"n_max": 12, "n_customers": [6, 12]}


@pytest.mark.parametrize("name", ["envs:LagrangianCVRP-v0", "envs:LagrangianSearch-v0"])
def test_every_adapter_has_pictures(name: str) -> None:
    """Both environments give frames alone, as a list, in vectors and under SB3."""
    shape = (576, 1320, 3)
    env = gymnasium.make(name, render_mode="rgb_array_list", **SMALL)
    env.reset(seed=0)
    env.step(env.action_space.sample())
    assert [frame.shape for frame in env.render()] == [shape, shape]
    for mode in (None, "sync"):
        vector = gymnasium.make_vec(name, num_envs=2, vectorization_mode=mode, render_mode="rgb_array", **SMALL)
        vector.reset(seed=0)
        assert [frame.shape for frame in vector.render()] == [shape, shape]
    made = LagrangianVecEnv if "CVRP" in name else LagrangianSearchVecEnv
    stock = made(n_envs=2, render_mode="rgb_array", **SMALL)
    stock.reset()
    assert [frame.shape for frame in stock.get_images()] == [shape, shape]

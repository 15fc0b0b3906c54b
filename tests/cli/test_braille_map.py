"""Maps in braille characters: lines, routes and curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lagrl.cli.braille_map import BrailleMap, line_dots, sparkline

DOT = st.integers(-30, 30)


def bresenham(x0: int, y0: int, x1: int, y1: int) -> list[tuple[int, int]]:
    """Bresenham's loop for one line, ties away from the start."""
    wide, high = abs(x1 - x0), abs(y1 - y0)
    right, down = (1 if x1 > x0 else -1), (1 if y1 > y0 else -1)
    x, y, error, dots = x0, y0, max(wide, high), []
    for _ in range(max(wide, high) + 1):
        dots.append((x, y))
        error += 2 * min(wide, high)
        is_over = error >= 2 * max(wide, high)
        error -= 2 * max(wide, high) * is_over
        x += right * (wide >= high or is_over)
        y += down * (high > wide or is_over)
    return dots


@given(st.lists(st.tuples(DOT, DOT, DOT, DOT), min_size=1, max_size=4))
def test_lines_have_the_dots_of_bresenham(lines: list[tuple[int, int, int, int]]) -> None:
    """All lines drawn at once have the dots of the loop for one line, in order, and the numbers of their lines."""
    ends = np.array(lines)
    dots, owner = line_dots(ends[:, :2], ends[:, 2:])
    expected = [(k, *dot) for k, line in enumerate(lines) for dot in bresenham(*line)]
    assert np.column_stack([owner, dots]).tolist() == [list(row) for row in expected]


@pytest.mark.parametrize(
    ("tour", "expected"),
    [
        ([1], ["■⠉⠉⠉", "⠀⠀⠀⠀"]),
        ([2], ["■⠀⠀⠀", "⡇⠀⠀⠀"]),
        ([3], ["■⢄⠀⠀", "⠀⠀⠑⢄"]),
        ([1, 3, 2], ["■⠉⠉⢹", "⣇⣀⣀⣸"]),
    ],
)
def test_known_routes_give_known_characters(tour: list[int], expected: list[str]) -> None:
    """A square of 8 × 8 dots: its sides and diagonal, north up, the depot in the upper left corner."""
    square = np.array([[0.0, 7.0], [7.0, 7.0], [0.0, 0.0], [7.0, 0.0]])
    lines, route = BrailleMap(square, 4, 2).draw([np.array(tour)])
    assert lines == expected
    assert route[0, 0] == -1  # the depot belongs to no route
    assert set(route.flat) == {-1, 0}


def test_the_map_keeps_one_scale_and_is_centred() -> None:
    """A wide instance on a high map lies in the middle row, and one place is one dot in the middle."""
    wide = np.array([[0.0, 0.0], [100.0, 0.0]])
    assert BrailleMap(wide, 6, 3).draw([np.array([1])])[0] == ["⠀" * 6, "■⠤⠤⠤⠤⠤", "⠀" * 6]
    assert BrailleMap(np.zeros((2, 2)), 3, 1).draw([])[0] == ["⠀■⠀"]


def test_legs_between_customers_cover_legs_of_the_depot() -> None:
    """Where two routes share a character, the colour is that of the leg between customers."""
    places = np.array([[0.0, 0.0], [10.0, 0.0], [4.0, 0.0], [6.0, 0.0]])
    _, route = BrailleMap(places, 6, 1).draw([np.array([2, 3]), np.array([1])])
    assert route[0].tolist() == [-1, 1, 0, 0, 1, 1]


def test_a_curve_has_the_lowest_block_at_its_lowest_value() -> None:
    """Blocks rise with the values; of many values the last of each group is shown; equal values are low."""
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([9, 7, 9, 0], 2) == "█▁"
    assert sparkline([3, 3], 8) == "▁▁"
    assert sparkline([], 8) == ""

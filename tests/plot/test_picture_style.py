"""One style: themes, colours that differ, files that are equal, and refusals before the work."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING

import pytest

from lagrl.errors import InputError, MissingExtraError, OutputError, UnknownNameError

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("matplotlib", reason="the pictures need matplotlib (extra viz)")

from lagrl.plot.picture_style import (
    THEMES,
    colour,
    dashes,
    mark,
    new_axes,
    new_figure,
    one_panel,
    require_picture,
    save_figure,
    style,
)


def luminance(text: str) -> float:
    """Relative luminance of a colour `#rrggbb` (WCAG 2)."""
    parts = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_text_and_series_stand_out_from_the_background(name: str) -> None:
    """Text has a contrast of 4.5 or more, series of 2 or more (orange on white has 2.2), and all differ."""
    theme = THEMES[name]
    assert all(contrast(text, theme.background) >= 4.5 for text in (theme.ink, theme.faint))
    assert all(contrast(own, theme.background) >= 2.0 for own in theme.colours)
    assert len(set(theme.colours)) == len(theme.colours) == 7


def test_series_differ_without_colour() -> None:
    """The first series have different marks, and pairs of colour and pattern differ among 28."""
    assert len({mark(index) for index in range(9)}) == 9
    assert len({(colour(index), str(dashes(index))) for index in range(28)}) == 28


def test_a_theme_holds_inside_its_block_only() -> None:
    """Background and text are the theme's, and matplotlib's settings of the user come back."""
    import matplotlib

    before = dict(matplotlib.rcParams)
    with style("dark") as theme:
        figure = one_panel(lambda ax: ax.set_title("a"), 4, 3)
        assert colour(0) == theme.colours[0]
    assert matplotlib.rcParams == before
    (axes,) = figure.axes
    assert matplotlib.colors.to_hex(figure.get_facecolor()) == theme.background
    assert matplotlib.colors.to_hex(axes.get_facecolor()) == theme.background
    assert axes.title.get_color() == theme.ink
    assert axes.title.get_size() >= 12
    assert colour(0) == THEMES["light"].colours[0]
    with pytest.raises(UnknownNameError, match="unknown theme 'blue'; known: dark, light"), style("blue"):
        pass


@pytest.mark.parametrize(("suffix", "theme"), [*itertools.product(("svg", "pdf", "png"), ("light", "dark"))])
def test_equal_pictures_are_equal_files(tmp_path: Path, suffix: str, theme: str) -> None:
    """Twice the same bytes, and the two themes differ."""
    contents = []
    for chosen in (theme, theme, "light" if theme == "dark" else "dark"):
        with style(chosen):
            save_figure(one_panel(lambda ax: ax.plot([1, 2], label="a"), 4, 3), tmp_path / f"a.{suffix}")
        contents.append((tmp_path / f"a.{suffix}").read_bytes())
    assert contents[0] == contents[1] != contents[2]


def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Suffix, folder, matplotlib and its backend: one line each; no option is allowed."""
    require_picture(None)
    require_picture(tmp_path / "a.svg")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match=r"--plot: '.*a\.jpg' given; give a name that ends in \.png, \.svg or \.pdf"):
        require_picture(tmp_path / "a.jpg")
    with pytest.raises(OutputError, match="does not exist; create it first"):
        require_picture(tmp_path / "missing" / "a.svg")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"drawing needs matplotlib, which is not installed; .*\[viz\]"):
        require_picture(tmp_path / "a.svg")


def test_a_backend_without_a_display_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyplot's axes cannot be made with it; figures that are bound to no display can."""
    from matplotlib import pyplot

    def refuse(**_: object) -> None:
        raise ImportError("Cannot load backend 'TkAgg'")

    monkeypatch.setenv("MPLBACKEND", "tkagg")
    monkeypatch.setattr(pyplot, "subplots", refuse)
    with pytest.raises(InputError, match=r"MPLBACKEND: 'tkagg' cannot be used: Cannot load .*; set it to Agg"):
        new_axes()
    assert new_figure(2, 2).axes == []

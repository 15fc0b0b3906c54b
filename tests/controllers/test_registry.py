"""Controllers by name: known ones, a user's own, installed ones, and clear words for all others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from lagrl.controllers import CONTROLLERS, Controller, controller_factory, registry
from lagrl.controllers.polyak import Polyak
from lagrl.errors import InputError, LagrlError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OWN = """
from lagrl.controllers.constant import ConstantStep

class Mine(ConstantStep):
    pass

class Greedy(ConstantStep):
    def __init__(self, step):
        self.step = step

class Idle:
    pass

number = 3

def tuned():
    return ConstantStep(step=0.5)
"""


@dataclass
class InstalledPoint:
    """Stands for an entry point of another package."""

    name: str
    target: object

    def load(self) -> object:
        """Return what the entry point names."""
        return self.target


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a module `own_rules` of the user's, and a broken one, where they can be imported."""
    (tmp_path / "own_rules.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "broken_rules.py").write_text("import numpyy\n", encoding="utf-8")
    (tmp_path / "misspelt_rules.py").write_text("class Rule(Ruel): ...\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what pretends that packages with these entry points are installed."""

    def pretend(**targets: object) -> None:
        points = [InstalledPoint(name, target) for name, target in targets.items()]
        monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "lagrl.controllers" else [])

    return pretend


@pytest.mark.parametrize("name", CONTROLLERS)
def test_every_known_name_makes_a_fresh_controller(name: str) -> None:
    """One for each ascent: no two are the same object."""
    make = controller_factory(name)
    first, second = make(), make()
    assert isinstance(first, Controller)
    assert first is not second


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    """The closest name comes first, and the message says how to use a custom controller."""
    with pytest.raises(UnknownNameError) as caught:
        controller_factory("polyack")
    message = str(caught.value)
    assert "unknown controller 'polyack'; did you mean 'polyak'?" in message
    assert all(name in message for name in CONTROLLERS)
    assert "module:attribute" in message


@pytest.mark.usefixtures("own")
def test_a_users_class_or_function_makes_controllers() -> None:
    """`module:attribute` is called without arguments."""
    assert type(controller_factory("own_rules:Mine")()).__name__ == "Mine"
    assert controller_factory("own_rules:tuned")().step == 0.5


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("own_rules:Mein", "controller own_rules:Mein: module 'own_rules' has no 'Mein'"),
        ("own_rules:", "'own_rules:' is not module:attribute"),
        ("no_such_rules:Mine", "cannot import 'no_such_rules' (ModuleNotFoundError"),
        ("broken_rules:Mine", "cannot import 'broken_rules' (ModuleNotFoundError: No module named 'numpyy')"),
        ("misspelt_rules:Rule", "cannot import 'misspelt_rules' (NameError"),
        (":Mine", "':Mine' is not module:attribute"),
        (".own_rules:Mine", "'.own_rules:Mine' is not module:attribute"),
        ("own_rules:Greedy", "controller own_rules:Greedy: cannot be made"),
        ("own_rules:number", "controller own_rules:number: cannot be made"),
        ("own_rules:Idle", "controller own_rules:Idle: makes a Idle; it must take no arguments"),
    ],
)
def test_what_makes_no_controller_is_refused_before_any_work(spec: str, said: str) -> None:
    """The message names the option's value, the fault and the required methods."""
    with pytest.raises(InputError) as caught:
        controller_factory(spec)
    assert said in str(caught.value)


def test_an_installed_controller_is_found_by_its_name(installed: Callable[..., None]) -> None:
    """And is named among the known ones from then on."""
    installed(foreign=Polyak)
    assert isinstance(controller_factory("foreign")(), Polyak)
    with pytest.raises(UnknownNameError, match="foreign"):
        controller_factory("foriegn")


def test_the_classical_rules_cannot_be_shadowed(installed: Callable[..., None]) -> None:
    """A package that calls its controller polyak, or learned, does not change what the name means."""
    installed(polyak=lambda: None, learned=Polyak)
    assert controller_factory("polyak") is CONTROLLERS["polyak"]
    assert not isinstance(controller_factory("learned")(), Polyak)


def test_checkpoints_are_asked_of_their_loader(installed: Callable[..., None]) -> None:
    """The loader gets the whole spec and answers with a factory."""
    asked = []

    def load(spec: str) -> Callable[[], Controller]:
        asked.append(spec)
        return Polyak

    installed(checkpoints=load)
    assert isinstance(controller_factory("checkpoints/best")(), Polyak)
    assert isinstance(controller_factory("/elsewhere/best")(), Polyak)
    assert isinstance(controller_factory("./best")(), Polyak)
    assert asked == ["checkpoints/best", "/elsewhere/best", "./best"]


def test_the_loader_of_checkpoints_is_no_controller(installed: Callable[..., None]) -> None:
    """Its bare name is answered with how a checkpoint is named."""
    installed(checkpoints=lambda spec: Polyak)
    with pytest.raises(UnknownNameError, match=r"unknown controller 'checkpoints'; did you mean 'checkpoints/NAME'\?"):
        controller_factory("checkpoints")


def test_checkpoints_without_a_loader_are_refused(installed: Callable[..., None]) -> None:
    """The message names the checkpoint and what to install; it is one of lagrl's own errors."""
    installed()
    with pytest.raises(UnknownNameError, match=r"nothing installed loads 'checkpoints/best'; install a package"):
        controller_factory("checkpoints/best")
    assert issubclass(UnknownNameError, LagrlError)

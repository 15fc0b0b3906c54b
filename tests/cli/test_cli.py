"""The program `lagrl`: script and module, help, standard output, and files that hide its packages."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path

import pytest
from command_runs import SMALL, output_of, run_script, timeless

from lagrl import __version__
from lagrl.cli import entry as cli


def test_installed_script_and_module_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The script, `python -m lagrl` and `main` print one JSON object each, equal apart from seconds."""
    arguments = ["solve", SMALL, "--evaluations", "20", "--json"]
    script = str(Path(sysconfig.get_path("scripts")) / "lagrl")
    records = [json.loads(output_of(capsys, *arguments))]
    for command in ([script, *arguments], [sys.executable, "-m", "lagrl", *arguments]):
        done = run_script(*command, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("\n") == 1
        records.append(json.loads(done.stdout))
    assert all(record["seconds"] > 0.0 for record in records)
    assert timeless(records[0]) == timeless(records[1]) == timeless(records[2])


@pytest.mark.parametrize("command", [["bound", SMALL, "--seconds", "1"], ["doctor"]])
def test_json_is_all_that_reaches_standard_output(tmp_path: Path, command: list[str]) -> None:
    """With --json a process prints one object, also in what compiled libraries write."""
    done = run_script(sys.executable, "-m", "lagrl", *command, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), dict)


def test_a_file_that_hides_our_package_is_named(tmp_path: Path) -> None:
    """A user's train.py in the current folder changes nothing; first on the path, it is named in one line."""
    (tmp_path / "train.py").write_text("epochs = 3\n", encoding="utf-8")
    command = [sys.executable, "-m", "lagrl", "train", "bandit", "--seed", "x"]
    assert "--seed: 'x' is not a whole number" in run_script(*command, cwd=tmp_path).stderr
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv[0] = 'lagrl'; import lagrl.cli.entry as e; "
    done = run_script(sys.executable, "-c", f"{code}sys.exit(e.main())", *command[3:], cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{tmp_path / 'train.py'}: hides a package of lagrl" in done.stderr


def test_help_and_version_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Both are written to stdout, with exit code 0."""
    assert output_of(capsys, "--version") == f"lagrl {__version__}\n"
    for arguments in (["--help"], ["solve", "--help"], ["eval", "--help"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert not stop.value.code
        assert "usage: lagrl" in capsys.readouterr().out

"""What the README says is true: its script runs, its tables and commands are ours."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from napari_segnext.cli import make_parser
from napari_segnext.widget.actions import ACTIONS, TOOLS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block_after(mark: str) -> str:
    found = re.search(rf"<!-- ci: {mark} -->\n```\n(.*?)\n```", README, re.DOTALL)
    assert found, f"no block marked {mark}"
    return found[1]


def test_the_script_runs_as_written() -> None:
    (script,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", script],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second, voxels = map(
        int, re.findall(r"\d+(?= pixels| voxels|$)", done.stdout, re.M)
    )
    assert abs(second - 1394) < abs(first - 1394) / 3  # what the nucleus has
    assert 6500 < voxels < 11000  # it has 8808 on those slices


@pytest.mark.parametrize("mark", ["demo", "tests", "packages"])
def test_set_up_is_one_line(mark: str) -> None:
    assert len(block_after(mark).splitlines()) == 1


def test_the_commands_install_what_was_tested() -> None:
    assert "-c constraints.txt" in block_after("demo")
    assert "-c constraints.txt" in block_after("tests")
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text()


def test_the_keys_are_those_of_the_widget() -> None:
    rows = re.findall(r"^\| ([A-Z0-9]|Shift-[A-Z]) \| (.*) \|$", README, re.MULTILINE)
    assert rows == [(action.key, action.tip) for action in ACTIONS.values()]


def test_every_prompt_tool_is_explained() -> None:
    for tool in TOOLS.values():
        assert re.search(rf"^\| {tool.text} \|", README, re.MULTILINE)


def test_every_command_is_listed() -> None:
    (choices,) = [
        action.choices for action in make_parser()._actions if action.dest == "command"
    ]
    listed = re.findall(r"^napari-segnext (\w+)", README, re.MULTILINE)
    assert listed == list(choices)


def test_links_into_the_repository_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!http|#)([^)]+)\)", README)
    assert len(targets) > 5
    for target in targets:
        assert (ROOT / target).exists(), target

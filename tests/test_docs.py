"""The documentation names tests, pictures and pages that are there."""

from __future__ import annotations

import ast
import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))
WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
    for path in (ROOT / "src").rglob("*.py")
    if ">>>" in path.read_text("utf-8")
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(
        r"\]\((?!http|#)([^()#\s]+)[^()]*\)", page.read_text("utf-8")
    ):
        assert (page.parent / target).exists(), target


def test_named_tests_exist() -> None:
    text = (ROOT / "docs/interaction.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 12
    for path, name in named:
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        functions = {
            node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
        }
        assert not name or name in functions, (path, name)


def test_pages_were_found() -> None:
    assert {"interaction.md", "decisions.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings_say_what_comes_out(module: str) -> None:
    outcome = doctest.testmod(import_module(module))
    assert outcome.attempted > 1
    assert outcome.failed == 0  # what differs is printed

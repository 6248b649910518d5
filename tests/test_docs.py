"""The documentation names tests, pictures and pages that are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").rglob("*.md"))


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

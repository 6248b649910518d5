"""Every sentence that is shown goes through napari's `trans`: found in the source."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import napari_segnext

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(napari_segnext.__file__).parent
WIDGET = sorted((PACKAGE / "widget").glob("*.py"))
SESSION = sorted((PACKAGE / "session").glob("*.py"))
TEXTS = [PACKAGE / "session" / "text.py", PACKAGE / "widget" / "text.py"]
SHOWING = {
    "QAction",
    "QCheckBox",
    "QGroupBox",
    "QLabel",
    "QPushButton",
    "QRadioButton",
    "QToolButton",
    "addAction",
    "addItem",
    "addItems",
    "addMenu",
    "addRow",
    "addTab",
    "critical",
    "getOpenFileName",
    "information",
    "insertItem",
    "question",
    "setAccessibleName",
    "setPlaceholderText",
    "setPrefix",
    "setSpecialValueText",
    "setStatusTip",
    "setSuffix",
    "setText",
    "setTitle",
    "setToolTip",
    "setWhatsThis",
    "setWindowTitle",
    "show_info",
    "show_warning",
    "warning",
}


def name_of(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def literals(value: ast.AST) -> Iterator[str]:
    """Words that `value` is made of in the source; those of calls in it are not."""
    if isinstance(value, ast.Constant):
        if isinstance(value.value, str) and any(map(str.isalpha, value.value)):
            yield value.value
    elif not isinstance(value, ast.Call | ast.Attribute | ast.Subscript | ast.Compare):
        for child in ast.iter_child_nodes(value):
            yield from literals(child)


def shown_literals(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of(node) in SHOWING:
            for argument in (*node.args, *(it.value for it in node.keywords)):
                yield from literals(argument)


def hint_literals(tree: ast.AST) -> Iterator[str]:
    """Words in what the session shows: hints, and the texts of its acts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets = {getattr(target, "attr", "") for target in node.targets}
            if targets & {"_hint", "_complaint"}:
                yield from literals(node.value)
        is_text = isinstance(node, ast.FunctionDef) and (
            node.name.startswith("_find_hint") or node.name == "text"
        )
        if is_text:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield from literals(inner.value)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WIDGET, ids=lambda path: path.name)
def test_the_widget_shows_no_words_of_its_own(path: Path) -> None:
    assert list(shown_literals(parsed(path))) == []


@pytest.mark.parametrize("path", SESSION, ids=lambda path: path.name)
def test_the_session_hints_in_no_words_of_its_own(path: Path) -> None:
    assert list(hint_literals(parsed(path))) == []


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.parent.name)
def test_every_text_is_translated(path: Path) -> None:
    values = [
        node.value
        for node in parsed(path).body
        if isinstance(node, ast.Assign) and node.targets[0].id != "__all__"
    ]
    assert len(values) > 10
    for value in values:
        parts = value.values if isinstance(value, ast.Dict) else [value]
        assert [word for part in parts for word in literals(part)] == []


def test_the_actions_are_translated() -> None:
    calls = [
        node
        for node in ast.walk(parsed(PACKAGE / "widget" / "actions.py"))
        if isinstance(node, ast.Call) and name_of(node) in ("Action", "Tool")
    ]
    assert len(calls) > 20
    for call in calls:
        assert [word for part in call.args[:2] for word in literals(part)] == []


@pytest.mark.parametrize(
    "source",
    [
        "label.setText('Hello')",
        "QLabel(f'{count} objects')",
        "button.setToolTip('Yes' if answer else '')",
        "show_warning('no ' + name)",
        "QMessageBox.question(self, title, 'Sure?')",
    ],
)
def test_a_word_of_its_own_would_be_found(source: str) -> None:
    assert list(shown_literals(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "self._hint = 'Click.'",
        "def _find_hint(self):\n    return f'label {label}'",
        "def text(self):\n    return 'accept' if done else text.UNDO",
    ],
)
def test_a_hint_of_its_own_would_be_found(source: str) -> None:
    assert list(hint_literals(ast.parse(source)))


def test_what_is_translated_or_no_word_is_none() -> None:
    source = "label.setText(text.HELLO.format(n=1)); label.setText(f'{a}: {b}')"
    assert list(shown_literals(ast.parse(source))) == []

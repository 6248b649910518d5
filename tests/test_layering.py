"""Which room may import which: read from the source, and seen in a fresh process."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import napari_segnext

SOURCE = Path(napari_segnext.__file__).parent
ROOT = Path(__file__).parents[1]
PACKAGE = "napari_segnext"
QT = {"qtpy", "PyQt5", "PyQt6", "PySide2", "PySide6", "magicgui", "superqt"}

# what a room must never import, at the top or inside a function
FORBIDDEN = {
    "errors": {"torch", "napari", *QT, *(f"{PACKAGE}.{room}" for room in ("core",))},
    "samples": {"torch", "napari", *QT},
    "core": {
        "napari",
        *QT,
        *(
            f"{PACKAGE}.{room}"
            for room in ("session", "widget", "evaluation", "training", "commands")
        ),
    },
    "session": {
        *QT,
        "napari._qt",
        "napari.qt",
        *(f"{PACKAGE}.{room}" for room in ("widget", "training", "commands")),
    },
    "evaluation": {
        "napari",
        *QT,
        *(f"{PACKAGE}.{room}" for room in ("widget", "commands", "training")),
    },
    "training": {"napari", *QT, f"{PACKAGE}.widget", f"{PACKAGE}.commands"},
    "commands": {f"{PACKAGE}.widget"},
    "commands/propagate": {f"{PACKAGE}.training", f"{PACKAGE}.evaluation"},
    "commands/propagation": {f"{PACKAGE}.training", f"{PACKAGE}.evaluation"},
    "commands/segment": {f"{PACKAGE}.training", f"{PACKAGE}.evaluation"},
    "cli": {f"{PACKAGE}.widget"},
    "__main__": {f"{PACKAGE}.widget"},
}

# what comes with the import of a module, which must not be there
HEAVY = {
    "napari_segnext": {"torch", "napari", "numpy", *QT},
    "napari_segnext.cli": {"torch", "napari", *QT},
    "napari_segnext.core.models": {"torch", "napari", *QT},
    "napari_segnext.core.prompts": {"torch", "napari", *QT},
    "napari_segnext.core.predictor": {"napari", *QT},
    "napari_segnext.session.session": {"torch", "qtpy", "PyQt6", "PySide6"},
    "napari_segnext.widget.main": {"torch"},
}


def modules_of(room: str) -> list[Path]:
    folder = SOURCE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [SOURCE / f"{room}.py"]


def imports_of(path: Path) -> set[str]:
    """Every module that `path` imports, but for type checkers only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports are absolute here"
            found |= {node.module, *(f"{node.module}.{it.name}" for it in node.names)}
    return found


def is_within(module: str, root: str) -> bool:
    return module == root or module.startswith(f"{root}.")


@pytest.mark.parametrize("room", FORBIDDEN)
def test_a_room_imports_only_what_it_may(room: str) -> None:
    modules = modules_of(room)
    assert modules
    wrong = [
        f"{path.relative_to(SOURCE)} imports {module}"
        for path in modules
        for module in imports_of(path)
        if any(is_within(module, root) for root in FORBIDDEN[room])
    ]
    assert wrong == []


def test_nothing_but_the_manifest_imports_the_widget() -> None:
    outside = [path for path in SOURCE.rglob("*.py") if "widget" not in path.parts]
    wrong = [
        path.name
        for path in outside
        if any(is_within(module, f"{PACKAGE}.widget") for module in imports_of(path))
    ]
    assert wrong == []


def test_every_room_has_its_rule() -> None:
    rooms = {
        path.stem
        for path in SOURCE.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - set(FORBIDDEN) == {"__init__", "widget"}


@pytest.mark.parametrize(("module", "forbidden"), HEAVY.items(), ids=list(HEAVY))
def test_an_import_brings_nothing_heavy(module: str, forbidden: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert forbidden & set(done.stdout.split()) == set()


def test_public_names_resolve_and_listing_them_is_cheap() -> None:
    code = (
        "import sys, napari_segnext as ns\n"
        "names = dir(ns); assert set(ns.__all__) <= set(names)\n"
        "assert 'torch' not in sys.modules\n"
        "ns.list_models(); assert 'torch' not in sys.modules\n"
        "[getattr(ns, name) for name in ns.__all__]\n"
        "assert 'qtpy' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_import_is_of_a_declared_dependency_and_the_other_way_round() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    required = {distribution_name(line) for line in project["dependencies"]}
    optional = {
        distribution_name(line)
        for extra, lines in project["optional-dependencies"].items()
        for line in lines
        if extra != "test"
    }
    homes = packages_distributions()
    modules = {
        module.partition(".")[0]
        for path in SOURCE.rglob("*.py")
        for module in imports_of(path)
    }
    used = {
        distribution_name(homes.get(module, [module])[0])
        for module in modules - sys.stdlib_module_names - {PACKAGE}
    }
    assert used <= required | optional
    assert required <= used


def distribution_name(written: str) -> str:
    """The name at the beginning of a requirement, as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", written)[0]).lower()


def test_files_stay_small() -> None:
    lengths = {
        str(path.relative_to(SOURCE)): len(path.read_text("utf-8").splitlines())
        for path in SOURCE.rglob("*.py")
    }
    assert {name for name, count in lengths.items() if count > 400} == set()

"""The layers know only those before them: mcts, then engine, then selfplay, then the front door."""

import ast
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ["mcts", "engine", "selfplay", "move37"]


def modules(layer: str) -> list[Path]:
    return [ROOT / "move37.py"] if layer == "move37" else sorted((ROOT / layer).rglob("*.py"))


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_imports_no_higher_layer(layer: str) -> None:
    higher = set(LAYERS[LAYERS.index(layer) + 1 :])
    guilty = {str(path): imports(path) & higher for path in modules(layer)}
    assert {path: names for path, names in guilty.items() if names} == {}


def run_time_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The node and all below it, without the imports that only type checkers see."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from run_time_nodes(child)


def imported_within(path: Path, layer: str) -> set[str]:
    """The dotted names of what a file imports from its own layer."""
    found = set()
    for node in run_time_nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == layer:
            found.update(f"{layer}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{layer}."):
            found.add(str(node.module))
    return found


def room(name: str) -> str:
    """The folder or file just below the layer that `engine.nets.cuda` or `engine.game` is in."""
    return ".".join(name.split(".")[:2])


@pytest.mark.parametrize("layer", ["mcts", "engine", "selfplay"])
def test_the_rooms_of_a_layer_do_not_import_each_other_in_a_circle(layer: str) -> None:
    graph: dict[str, set[str]] = {}
    for path in modules(layer):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        used = {room(other) for other in imported_within(path, layer)}
        graph.setdefault(room(name), set()).update(used - {room(name)})
    assert len(graph) > 5
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


def test_the_core_and_the_learning_layers_do_not_know_go() -> None:
    """Only engine/games/go.py, the records and the ways in may know which game is played."""
    guilty = [
        str(path.relative_to(ROOT))
        for layer in ("mcts", "selfplay")
        for path in modules(layer)
        if "engine.games." in path.read_text(encoding="utf-8")
    ]
    assert guilty == []


def test_the_search_layer_does_not_need_torch() -> None:
    code = "import sys, mcts; print('torch' in sys.modules, 'numba' in sys.modules)"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert shown.stdout.split() == ["False", "False"]


def test_what_docstrings_and_documents_refer_to_exists() -> None:
    reference = re.compile(rf"`((?:{'|'.join(LAYERS[:-1])})(?:\.\w+)+)`")
    shown = [path for layer in LAYERS for path in modules(layer)]
    shown += [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *(ROOT / "tests").rglob("*.py")]
    named = {(name, path) for path in shown for name in reference.findall(path.read_text("utf-8"))}
    assert len(named) > 10
    assert [f"{path}: {name}" for name, path in sorted(named) if not exists(name)] == []


def exists(name: str) -> bool:
    """Whether a dotted name is a module or something in one."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True

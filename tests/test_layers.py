"""The layers know only those before them: mcts, then engine, then selfplay, then the front door."""

import ast
import subprocess
import sys
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

"""`import move37`: what it promises is there, and the documents use nothing else."""

import re
from pathlib import Path

import pytest

import move37

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("name", move37._API)
def test_every_name_of_the_public_api_is_there(name: str) -> None:
    assert getattr(move37, name).__name__ == move37._API[name][1]


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Gnome'"):
        _ = move37.Gnome


def test_python_in_the_documents_imports_nothing_else() -> None:
    text = "\n".join(path.read_text() for path in DOCUMENTS)
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    imported = {name for b in blocks for name in re.findall(r"^(?:from|import) (\w+)", b, re.MULTILINE)}
    assert imported == {"move37", "numba", "numpy"}


def test_the_example_of_an_analysis_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/analysis.md").read_text(), re.DOTALL)
    exec(example, {})
    assert re.fullmatch(r"0\.\d+ \['[A-J]\d'.*\]\n", capsys.readouterr().out)

"""The fixed handicap points, against the specification's tables."""

import pytest

from engine.coords import VertexNotation
from engine.play.handicap import fixed_handicap, most_fixed_stones

# 19x19 as GTP 2, section 4.1.1 lists them.
NINETEEN = {
    2: "D4 Q16",
    3: "D4 Q16 D16",
    4: "D4 Q16 D16 Q4",
    5: "D4 Q16 D16 Q4 K10",
    6: "D4 Q16 D16 Q4 D10 Q10",
    7: "D4 Q16 D16 Q4 D10 Q10 K10",
    8: "D4 Q16 D16 Q4 D10 Q10 K4 K16",
    9: "D4 Q16 D16 Q4 D10 Q10 K4 K16 K10",
}


def vertices(stones, height, width):
    name = VertexNotation(height, width).name
    return " ".join(name(action) for action in fixed_handicap(stones, height, width))


@pytest.mark.parametrize(("stones", "points"), NINETEEN.items())
def test_the_points_on_19x19(stones, points):
    assert vertices(stones, 19, 19) == points


@pytest.mark.parametrize(
    ("height", "width", "stones", "points"),
    [
        (9, 9, 4, "C3 G7 C7 G3"),
        (9, 9, 5, "C3 G7 C7 G3 E5"),
        (7, 7, 4, "C3 E5 C5 E3"),
        (13, 13, 2, "D4 K10"),
        (9, 13, 2, "C3 L7"),
    ],
)
def test_smaller_and_oblong_boards(height, width, stones, points):
    assert vertices(stones, height, width) == points


@pytest.mark.parametrize(
    ("height", "width", "most"),
    [(19, 19, 9), (9, 9, 9), (18, 18, 4), (8, 8, 4), (7, 7, 4), (6, 6, 0), (9, 7, 4), (19, 5, 0)],
)
def test_how_many_stones_have_points(height, width, most):
    assert most_fixed_stones(height, width) == most
    if most:
        assert len(set(fixed_handicap(most, height, width))) == most
    with pytest.raises(ValueError, match="no fixed points"):
        fixed_handicap(most + 1, height, width)

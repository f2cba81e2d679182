"""What more compute is worth: fits against figures by hand, and a curve that goes on."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import move37
from engine.errors import UserError
from engine.games import load
from engine.nets.files import info_of, new_net, save_net
from selfplay.rating.elo import Elo
from selfplay.rating.fit import Fit, fit, fit_matches, powers
from selfplay.rating.ladder import Result, Table
from selfplay.reports.charts import elo_chart
from selfplay.reports.curve import Step, fit_steps, parse_visits, steps_of

pytest.importorskip("choix")


def test_a_parabola_without_noise_is_found_again() -> None:
    """Elo = 100 L - 4 L^2 with L = log2(visits): from 8 to 16 visits 100 - 4 * (16 - 9)."""
    visits = [1, 4, 16, 64, 256]
    truth = [100 * n - 4 * n * n for n in (0, 2, 4, 6, 8)]
    rows = np.array([powers(count, 3) for count in visits])
    found = fit(rows, np.array(truth, float), np.full(5, 10.0))
    assert found.coefficients == pytest.approx([0, 100, -4], abs=1e-6)
    assert found.elo(32) == pytest.approx(400)
    assert found.doubling(8).elo == pytest.approx(72)


def test_a_line_through_two_matches_has_the_interval_of_their_difference() -> None:
    """At 1 and 4 both deviate by 30: a doubling is half of their difference, 30 * sqrt(2) / 2."""
    rows = np.array([powers(1, 2), powers(4, 2)])
    found = fit(rows, np.array([50.0, 150.0]), np.array([30.0, 30.0]))
    worth = found.doubling(4)
    assert worth.elo == pytest.approx(50)
    assert worth.high - worth.elo == pytest.approx(1.959964 * 30 * math.sqrt(2) / 2)


def test_a_surer_match_counts_for_more() -> None:
    """Weights 1/10^2 and 1/30^2 of two Elos at one amount: their mean is 0.9 and 0.1 of them."""
    found = fit(np.ones((2, 1)), np.array([0.0, 100.0]), np.array([10.0, 30.0]))
    assert found.coefficients == pytest.approx([10])


def test_matches_of_a_run_are_a_line_in_the_logarithm_of_its_evaluations() -> None:
    matches = [Elo(elo, elo - 50, elo + 50) for elo in (40.0, 100.0, 160.0)]
    found = fit_matches([1e6, 2e6, 4e6], matches)
    assert found is not None and found.doubling(4e6).elo == pytest.approx(60)


def test_fewer_than_three_matches_with_an_interval_are_no_line() -> None:
    known, endless = Elo(100, 50, 150), Elo(400, 200, math.inf)
    assert fit_matches([1, 2, 4], [known, known, endless]) is None
    assert fit_matches([1, 1, 1], [known, known, known]) is None


def result(fewer: int, more: int, won: int, lost: int) -> Result:
    return Result(a=f"v{fewer}", b=f"v{more}", wins_a=lost, wins_b=won, unique=won + lost)


def test_each_match_of_a_chain_is_a_difference_on_the_curve() -> None:
    """Four visits score 3 of 4 against one, so do sixteen against four: a straight line."""
    table = Table(game="go5", results=[result(1, 4, 90, 30), result(4, 16, 90, 30)])
    steps = steps_of(table, {"v1": 1, "v4": 4, "v16": 16})
    step = 400 * math.log10(90.5 / 30.5)
    assert [(each.fewer, each.more) for each in steps] == [(1, 4), (4, 16)]
    assert steps[0].doubling.elo == pytest.approx(step / 2, abs=0.1)
    found = fit_steps(steps)
    assert [found.elo(n) for n in (1, 4, 16)] == pytest.approx([0, step, 2 * step], abs=0.1)
    assert found.doubling(1).elo == pytest.approx(step / 2, abs=0.1)


def step(fewer: int, elo: float) -> Step:
    return Step(fewer, 4 * fewer, Elo(elo, elo - 60, elo + 60))


@pytest.mark.parametrize("elos", [(300, 200, 100), (0, 100, 200, 300)])
def test_a_chain_that_bends_evenly_is_a_parabola(elos: tuple[float, ...]) -> None:
    """Between 4^i and 4^(i + 1) Elo grows by elos[i]: a doubling is worth half of that there."""
    found = fit_steps([step(4**i, elo) for i, elo in enumerate(elos)])
    assert len(found.coefficients) == 3
    for i, elo in enumerate(elos):
        assert found.elo(4 ** (i + 1)) - found.elo(4**i) == pytest.approx(elo, abs=0.01)


def test_five_matches_can_tell_where_twice_the_visits_are_worth_most() -> None:
    found = fit_steps([step(4**i, elo) for i, elo in enumerate((0, 170, 230, 230, 180))])
    assert found.doubling(32).elo > found.doubling(2).elo
    assert found.doubling(32).elo > found.doubling(1024).elo


def test_visits_are_numbers_in_order() -> None:
    assert parse_visits("16, 1,256,16") == [1, 16, 256]
    for text in ("1,2", "0,1,2", "1,two,3", ""):
        with pytest.raises(UserError, match=re.escape(f"'{text}'")):
            parse_visits(text)


def test_the_command_measures_draws_and_goes_on(tmp_path: Path) -> None:
    game = load("go5")
    path = tmp_path / "tiny.safetensors"
    net = new_net(game, 1, 8, 0)
    save_net(path, net, info_of(net, game))
    arguments = ["curve", str(path), "--game", "go5", "--visits", "1,2,4", "--device", "cpu"]
    arguments += ["--out", str(tmp_path / "curve"), "--json", "--games"]
    shown = CliRunner().invoke(move37.app, [*arguments, "4"])
    assert shown.exit_code == 0, shown.output
    facts = json.loads(shown.stdout)
    assert [(point["visits"], point["games"]) for point in facts["points"]] == [(1, 4), (2, 8), (4, 4)]
    assert facts["points"][0]["elo"] == 0
    assert [(each["from"], each["to"]) for each in facts["steps"]] == [(1, 2), (2, 4)]
    assert Path(facts["chart"]).read_bytes().startswith(b"\x89PNG")
    again = CliRunner().invoke(move37.app, [*arguments, "6"])
    assert [point["games"] for point in json.loads(again.stdout)["points"]] == [6, 12, 6]


def test_the_chart_of_a_run_tells_what_twice_the_evaluations_are_worth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[float] = []
    doubling = Fit.doubling

    def noted(fitted: Fit, compute: float) -> Elo:
        asked.append(compute)
        return doubling(fitted, compute)

    monkeypatch.setattr(Fit, "doubling", noted)
    rows = [
        {"event": "match", "stage": "s", "seconds": 60 * n, "evaluations": n * 1_000_000}
        | {"elo": 40.0 * n, "elo_low": 40.0 * n - 30, "elo_high": 40.0 * n + 30}
        for n in (1, 2, 4)
    ]
    assert elo_chart(rows) is not None
    assert asked == [4.0]  # millions, after the last match

"""The front door: each command from the outside, good input and bad."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import move37
from engine.games import load
from engine.nets.files import info_of, new_net, save_net

run = CliRunner()


def small_net(path: Path, game_name: str = "go5") -> Path:
    game = load(game_name)
    net = new_net(game, 1, 8, 0)
    save_net(path, net, info_of(net, game))
    return path


def ask(*arguments: str | Path) -> dict[str, Any]:
    """The JSON that a command prints."""
    shown = run.invoke(move37.app, [*map(str, arguments), "--json"])
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.strip().splitlines()
    assert len(lines) == 1, "with --json nothing else is on stdout"
    return json.loads(lines[0])


def complaint(*arguments: str | Path) -> str:
    """The one line that a command says of bad input."""
    shown = run.invoke(move37.app, [*map(str, arguments)])
    assert shown.exit_code != 0
    lines = shown.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("move37: "), shown.output
    return lines[0]


def test_a_run_named_as_a_net_is_answered_with_its_latest_net(tmp_path: Path) -> None:
    small_net(tmp_path / "latest.safetensors")
    said = complaint("arena", f"net={tmp_path},visits=4", "random", "--game", "go5")
    assert said.endswith(
        f"is a folder: name a .safetensors file, such as {tmp_path}/latest.safetensors"
    )


def test_arena_prints_the_promised_keys(tmp_path: Path) -> None:
    net = small_net(tmp_path / "net.safetensors")
    facts = ask("arena", f"net={net},visits=4", "random", "--games", "4", "--game", "go5")
    keys = {"games", "wins_a", "wins_b", "draws", "unique_games", "elo", "elo_low", "elo_high"}
    assert keys <= facts.keys() and facts["games"] == 4


def test_arena_tests_and_keeps_games_where_it_is_told(tmp_path: Path) -> None:
    net, games = small_net(tmp_path / "net.safetensors"), tmp_path / "games"
    player = f"net={net},visits=2"
    match = ("arena", player, player, "--games", "4", "--game", "go5", "--sprt", "0,35", "--sgf", games)
    facts = ask(*match)
    assert facts["sprt"]["decision"] in (None, "H0", "H1") and len(list(games.iterdir())) == 4
    assert "holds games already" in complaint(*match)


def test_ladder_rates_all_players(tmp_path: Path) -> None:
    pytest.importorskip("choix")
    net = small_net(tmp_path / "net.safetensors")
    facts = ask("ladder", net, "random", "--visits", "2", "--games", "2", "--game", "go5",
                "--table", tmp_path / "ladder.json")  # fmt: skip
    assert facts["anchor"] == f"net={net},visits=2" and len(facts["players"]) == 2
    keys = {"player", "elo", "elo_low", "elo_high", "games", "points"}
    assert all(keys <= row.keys() for row in facts["players"])


def test_analyze_comments_a_game_and_names_what_it_wrote(tmp_path: Path) -> None:
    net, game = small_net(tmp_path / "net.safetensors"), tmp_path / "game.sgf"
    game.write_text("(;GM[1]SZ[5];B[cc];W[bb])")
    out = tmp_path / "out"
    facts = ask("analyze", game, "--net", net, "--visits", "4", "--out", out)
    (row,) = facts["games"]
    assert facts["broken"] == [] and len(row["moves"]) == 2 and len(row["win_rates"]) == 3
    assert all(Path(file).exists() for file in row["files"])
    assert (out / "game.analysed.sgf").read_text().count("SBKV[") == 3


def test_imitate_and_accuracy_agree_on_what_they_print(tmp_path: Path) -> None:
    games = "".join(
        f"(;GM[1]SZ[5]RE[W+2];B[c{'abcde'[i % 5]}];W[b{'abcde'[i // 5 % 5]}];B[dd];W[ec]"
        f";B[e{'abcd'[i // 25]}];W[aa])"
        for i in range(90)
    )
    (tmp_path / "games.sgf").write_text(games)
    out = tmp_path / "net.safetensors"
    facts = ask(
        "imitate", tmp_path / "games.sgf", "--out", out, "--game", "go5",
        "--blocks", "1", "--channels", "8", "--minutes", "0.02",
    )  # fmt: skip
    promised = {"train_positions", "heldout_positions", "top1", "top5", "value_mse", "seconds"}
    assert promised <= facts.keys()
    (tmp_path / "open.sgf").write_text("(;GM[1]SZ[5];B[cc];W[bb])")
    unknown = run.invoke(move37.app, ["accuracy", str(out), str(tmp_path / "open.sgf")])
    assert "no result known on 2 positions" in unknown.stdout
    measured = ask("accuracy", out, tmp_path / "games.sgf")
    assert {"positions", "top1", "top5", "value_mse"} <= measured.keys()
    assert measured["positions"] == facts["train_positions"] + facts["heldout_positions"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("arena", "random", "radnom"), "'radnom' is not a player"),
        (("report", "nowhere"), "'nowhere' is no run folder"),
        (("discoveries", "nowhere"), "'nowhere' is no run folder"),
        (("train", "nowhere", "--preset", "gpus"), "did you mean 'gpu'"),
        (("train", "nowhere", "--preset", "gpu", "--config", "x.toml"), "give one of them"),
        (("train", "run", "--address", "here:6379"), "--address names a Ray cluster: add --cluster"),
        (("train", "run", "--actor", "--seed", "1"), "give only RUN and --device"),
        (("train", "run", "--actor", "--preset", "gpu"), "give only RUN and --device"),
        (("train", "nowhere", "--actor"), "there is no run 'nowhere' to help"),
        (("arena", "random", "random", "--game", "go99"), "go99"),
        (("arena", "random", "random", "--game", "conect_four"), "did you mean 'connect_four'"),
        (("arena", "net=nowhere.safetensors", "random"), "nowhere.safetensors"),
        (("arena", "net=x,visit=3", "random"), "did you mean 'visits'"),
        (("arena", "net=x,visits=0", "random"), "visits"),
        (("arena", "random", "random", "--device", "gpu"), "use auto, cpu, cuda, openvino or"),
        (("arena", "random", "gtp=no-such-engine-here", "--game", "go9"), "no-such-engine-here"),
        (("imitate", "nowhere.sgf", "--out", "x.safetensors"), "nowhere.sgf"),
        (("accuracy", "nowhere.safetensors", "."), "nowhere.safetensors"),
        (("train", "/proc/nowhere/run"), "/proc/nowhere/run"),
        (("train", "run", "--config", "nowhere.toml"), "nowhere.toml"),
        (("play", "--game", "go9", "--colour", "blak"), "did you mean 'black'"),
        (("play", "--net", "nowhere"), "nowhere"),
        (("play", "--level", "11"), "unknown level '11': use 1 to 8"),
        (("play", "--time", "soon"), "'soon' is not a time"),
        (("play", "--handicap", "12"), "a board of 9 rows allows 2 to 9 stones"),
        (("play", "--review", "nowhere.sgf"), "--review needs a terminal"),
        (("bench", "bord"), "did you mean 'board'"),
        (("arena", "random", "random", "--sprt", "35,0"), "'35,0' is no test"),
        (("arena", "random", "gtp=gnugo", "--game", "tic_tac_toe"), "only Go has"),
        (("arena", "random", "gtp=true", "--games", "2"), "ended at 'protocol_version'"),
        (("ladder", "random"), "two players at least"),
        (("ladder", "random", "nowhere.safetensors"), "nowhere.safetensors"),
        (("analyze", "nowhere.sgf"), "nowhere.sgf"),
        (("analysis", "--net", "nowhere"), "nowhere"),
        (("analysis", "--net", "hex7"), "'hex7' plays hex7: choose a net that plays Go"),
        (("gtp", "--net", "hex7"), "'hex7' plays hex7: choose a net that plays Go"),
        (("analysis", "--report-as", "GREY"), "use BLACK, WHITE or SIDETOMOVE"),
        (("analysis", "-override-config", "maxVisits"), "'maxVisits' is no parameter"),
        (("analysis", "-override-config", "maxVisits=x"), "visits"),
        (("analysis", "-config", "nowhere.cfg"), "nowhere.cfg"),
    ],
)
def test_bad_input_gets_one_line_that_names_it(arguments: tuple[str, ...], said: str) -> None:
    assert said in complaint(*arguments)


def test_a_corrupt_net_and_a_foreign_file_are_refused(tmp_path: Path) -> None:
    net = small_net(tmp_path / "net.safetensors")
    data = net.read_bytes()
    for name, content in (
        ("cut", data[: len(data) // 2]),
        ("junk", b"\x00" * 100),
        ("empty", b""),
        ("text", b"(;GM[1])"),
    ):
        bad = tmp_path / f"{name}.safetensors"
        bad.write_bytes(content)
        assert "damaged" in complaint("arena", f"net={bad}", "random", "--game", "go5")


def test_a_net_of_another_game_or_size_is_refused(tmp_path: Path) -> None:
    net = small_net(tmp_path / "net.safetensors")
    said = complaint("arena", f"net={net}", "random", "--game", "go9")
    assert "board size 9 is not trained" in said and "supports 5" in said
    said = complaint("arena", f"net={net}", "random", "--game", "tic_tac_toe")
    assert "plays go5, not tic_tac_toe" in said


def test_a_file_that_is_no_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.sgf").write_bytes(b"\xff\xfe nothing of the kind")
    said = complaint("imitate", tmp_path / "notes.sgf", "--out", tmp_path / "x.safetensors")
    assert "notes.sgf" in said


def test_a_net_that_cannot_be_written_is_refused_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "net.safetensors"
    assert str(out) in complaint("imitate", "nowhere.sgf", "--out", out)


def test_imitation_replaces_no_file_that_is_no_net(tmp_path: Path) -> None:
    (tmp_path / "game.sgf").write_text("(;GM[1])")
    said = complaint("imitate", "nowhere.sgf", "--out", tmp_path / "game.sgf")
    assert "no net" in said and "--out" in said
    assert (tmp_path / "game.sgf").read_text() == "(;GM[1])"


def test_train_answers_in_json(tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    stage = 'teacher = "search"\niterations = 1\npositions_per_iteration = 20\nmatch_games = 0\n'
    net = "net = { blocks = 1, channels = 8 }\n"
    config.write_text(f'game = "tic_tac_toe"\n{net}[[stages]]\n{stage}search = {{ visits = 2 }}\n')
    done = ask("train", tmp_path / "run", "--config", config, "--device", "cpu")
    found = str(tmp_path / "run/nets/01-search.safetensors")
    assert done == {"run": str(tmp_path / "run"), "complete": True, "net": found}


def test_a_chart_that_cannot_be_written_is_refused_before_measuring(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    chart = tmp_path / "file" / "chart.png"
    assert str(chart) in complaint("bench", "board", "--chart", chart, "--seconds", "100")


def test_play_works_through_a_pipe() -> None:
    shown = run.invoke(
        move37.app, ["play", "--plain", "--game", "tic_tac_toe", "--visits", "20"], input="B2\nquit\n"
    )
    assert shown.exit_code == 0 and "B2" in shown.stdout


def test_doctor_and_games_answer_in_json() -> None:
    assert ask("doctor")["healthy"]
    names = {row["name"] for row in ask("games")["games"]}
    assert {"go9", "go13", "go19", "tic_tac_toe", "connect_four"} <= names


@pytest.mark.parametrize(
    "command",
    ["demo", "play", "imitate", "accuracy", "train", "arena", "bench", "analyze", "analysis", "ladder"],
)
def test_every_command_explains_itself(command: str) -> None:
    assert run.invoke(move37.app, [command, "--help"]).exit_code == 0


def test_importing_the_front_door_is_cheap_and_lazy() -> None:
    code = (
        "import sys, move37; print('torch' in sys.modules); move37.load_game('go9'); print(move37.Net)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[0] == "False"


def test_a_closed_standard_input_is_an_empty_one() -> None:
    command = [sys.executable, "move37.py", "play", "--game", "tic_tac_toe", "--visits", "5"]
    shell = f"{shlex.join(command)} <&-"
    root = Path(__file__).parents[1]
    shown = subprocess.run(shell, shell=True, capture_output=True, text=True, check=False, cwd=root)
    assert (shown.returncode, shown.stderr) == (0, "") and "X> " in shown.stdout


def test_play_without_a_terminal_is_plain() -> None:
    shown = run.invoke(
        move37.app, ["play", "--game", "tic_tac_toe", "--visits", "5"], input="b2\nredo\nquit\n"
    )
    assert shown.exit_code == 0
    assert "X> b2" in shown.stdout and "there is nothing to play again" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_the_help_names_the_default_level() -> None:
    from engine.options import LevelName
    from engine.players.levels import DEFAULT_LEVEL

    (option,) = LevelName.__metadata__
    assert option.help.endswith(f"default in play: {DEFAULT_LEVEL.name}.")


@pytest.mark.parametrize("command", ["play", "gtp"])
def test_a_level_and_visits_are_not_given_together(command: str) -> None:
    refused = run.invoke(move37.app, [command, "--level", "casual", "--visits", "5"], input="quit\n")
    assert refused.exit_code == 1
    assert refused.stderr == (
        "move37: level casual and 5 visits both say how the bot plays: give one of them\n"
    )


def test_the_signature_of_the_search_is_one_short_hash() -> None:
    facts = ask("bench", "--signature")
    assert list(facts) == ["signature"] and len(facts["signature"]) == 12
    assert int(facts["signature"], 16) >= 0

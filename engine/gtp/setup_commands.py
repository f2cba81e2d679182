"""Commands that set up a game: the board, rules, handicap, moves, files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from engine.board_view import draw
from engine.chains import has_captured_chain
from engine.errors import UserError
from engine.files import write_whole
from engine.games import load
from engine.gtp.board import BLACK, WHITE, load_board, parse_komi
from engine.gtp.protocol import (
    CANNOT_LOAD,
    CANNOT_SAVE,
    CANNOT_UNDO,
    ILLEGAL_MOVE,
    SYNTAX_ERROR,
    UNACCEPTABLE_SIZE,
    Command,
    GtpFailure,
)
from engine.gtp.session import (
    Session,
    action_of,
    arguments,
    command,
    log,
    number,
    player_of,
    whole_number,
)
from engine.play.handicap import fixed_handicap, most_fixed_stones
from engine.records.files import read_records
from engine.records.record import GameRecord
from engine.records.sgf import write_sgf
from engine.rules import parse_rules, preset, set_one, sgf_rules


def _resize(session: Session, width: int, height: int) -> str:
    try:
        game = load_board(width, height)
        session.thinker.prepare(game)
    except UserError as error:
        log(f"{width}x{height}: {error}")
        raise GtpFailure(UNACCEPTABLE_SIZE) from None
    session.board.reset(game)
    return _new_game(session)


def _new_game(session: Session) -> str:
    session.thinker.new_game()
    session.set_time(session.control)
    return ""


@command("boardsize")
def boardsize(session: Session, given: Command) -> str:
    size = whole_number(arguments(given, 1)[0])
    height = whole_number(given.arguments[1]) if len(given.arguments) > 1 else size
    return _resize(session, size, height)


@command("rectangular_boardsize")
def rectangular_boardsize(session: Session, given: Command) -> str:
    width, height, *_ = map(whole_number, arguments(given, 2))
    return _resize(session, width, height)


@command("query_boardsize")
def query_boardsize(session: Session, given: Command) -> str:
    height, width = session.board.game.shape
    return str(width) if width == height else f"{width} {height}"


@command("clear_board")
def clear_board(session: Session, given: Command) -> str:
    session.board.reset(session.board.game)
    return _new_game(session)


@command("komi")
def komi(session: Session, given: Command) -> str:
    word = str(number(arguments(given, 1)[0]))
    session.board.set_komi(parse_komi(word))
    return ""


@command("get_komi")
def get_komi(session: Session, given: Command) -> str:
    return f"{session.board.komi:g}"


# --- Rules ----------------------------------------------------------------------------------


@command("kata-get-rules")
def get_rules(session: Session, given: Command) -> str:
    return json.dumps(session.board.rules.as_json())


@command("kata-set-rules")
def set_rules(session: Session, given: Command) -> str:
    arguments(given, 1)
    session.board.set_rules(parse_rules(given.text))
    return ""


@command("kata-set-rule")
def set_rule(session: Session, given: Command) -> str:
    key, value, *_ = arguments(given, 2)
    session.board.set_rules(set_one(session.board.rules, key, value))
    return ""


@command("kgs-rules")
def kgs_rules(session: Session, given: Command) -> str:
    names = {
        "chinese": "chinese-kgs",
        "aga": "aga",
        "japanese": "japanese",
        "new_zealand": "new-zealand",
    }
    name = arguments(given, 1)[0].lower()
    if name not in names:
        raise GtpFailure(f"unknown rules '{name}': use one of {', '.join(names)}")
    session.board.set_rules(preset(names[name]))
    return ""


# --- Moves ----------------------------------------------------------------------------------


def _play(session: Session, words: tuple[str, ...]) -> None:
    """Plays `colour vertex` pairs, all or none."""
    board = session.board
    moves = [
        (player_of(colour), action_of(vertex, session))
        for colour, vertex in zip(words[::2], words[1::2], strict=True)
    ]
    for i, (player, action) in enumerate(moves):
        if not board.is_legal(player, action):
            for _ in range(i):
                board.undo()
            raise GtpFailure(ILLEGAL_MOVE)
        board.play(player, action)


@command("play")
def play(session: Session, given: Command) -> str:
    _play(session, arguments(given, 2)[:2])
    return ""


@command("gogui-play_sequence")
def play_sequence(session: Session, given: Command) -> str:
    if len(given.arguments) % 2:
        raise GtpFailure(SYNTAX_ERROR)
    _play(session, given.arguments)
    return ""


@command("undo")
def undo(session: Session, given: Command) -> str:
    if not session.board.undo():
        raise GtpFailure(CANNOT_UNDO)
    return ""


@command("gg-undo")
def undo_many(session: Session, given: Command) -> str:
    count = whole_number(given.arguments[0]) if given.arguments else 1
    if not 0 <= count <= len(session.board.moves):
        raise GtpFailure(CANNOT_UNDO)
    for _ in range(count):
        session.board.undo()
    return ""


# --- Set-up ---------------------------------------------------------------------------------


def _stones_of(session: Session, words: tuple[str, ...]) -> dict[int, int]:
    """The stones {action: piece} of `colour vertex` pairs. Raises GtpFailure when they cannot stand."""
    if len(words) % 2:
        raise GtpFailure(SYNTAX_ERROR)
    game = session.board.game
    stones: dict[int, int] = {}
    for colour, vertex in zip(words[::2], words[1::2], strict=True):
        action = action_of(vertex, session)
        if action >= game.area:
            raise GtpFailure(SYNTAX_ERROR)
        stones[action] = player_of(colour) + 1
    if has_captured_chain(stones, game.shape):
        raise GtpFailure("illegal position: a chain has no liberty")
    return stones


@command("set_position")
def set_position(session: Session, given: Command) -> str:
    stones = _stones_of(session, given.arguments)
    if 2 * len(stones) != len(given.arguments):
        raise GtpFailure("illegal position: two stones on a point")
    session.board.set_up(stones, BLACK)
    session.thinker.new_game()
    return ""


@command("gogui-setup")
def gogui_setup(session: Session, given: Command) -> str:
    board = session.board
    if board.moves:
        raise GtpFailure("set up before the first move")
    earlier = tuple(
        word
        for action, piece in board.stones.items()
        for word in ("bw"[piece - 1], board.game.notation.name(action))
    )
    board.set_up(_stones_of(session, earlier + given.arguments), board.first)
    return ""


@command("gogui-setup_player")
def gogui_setup_player(session: Session, given: Command) -> str:
    if session.board.moves:
        raise GtpFailure("set up before the first move")
    session.board.set_up(session.board.stones, player_of(arguments(given, 1)[0]))
    return ""


def _place_handicap(session: Session, actions: list[int]) -> str:
    session.board.set_up(dict.fromkeys(actions, BLACK + 1), WHITE)
    return " ".join(session.board.game.notation.name(action) for action in actions)


def _require_empty_board(session: Session) -> None:
    if not session.board.empty:
        raise GtpFailure("board not empty")


def _stone_count(given: Command, most: int) -> int:
    count = whole_number(arguments(given, 1)[0])
    if not 2 <= count <= most:
        raise GtpFailure("invalid number of stones")
    return count


@command("fixed_handicap")
def place_fixed_handicap(session: Session, given: Command) -> str:
    height, width = session.board.game.shape
    count = _stone_count(given, most_fixed_stones(height, width))
    _require_empty_board(session)
    return _place_handicap(session, fixed_handicap(count, height, width))


@command("place_free_handicap")
def place_free_handicap(session: Session, given: Command) -> str:
    board = session.board
    height, width = board.game.shape
    count = _stone_count(given, board.game.area - 1)
    _require_empty_board(session)
    most = most_fixed_stones(height, width)
    actions = fixed_handicap(min(count, most), height, width) if most else []
    board.set_up(dict.fromkeys(actions, BLACK + 1), BLACK)
    # Beyond the fixed points: where the net would like to play next, never the last liberty.
    while len(actions) < min(count, board.game.area // 2):
        priors = session.thinker.priors(board.turn(BLACK))[: board.game.area]
        if not priors.any():
            break
        actions.append(int(np.argmax(priors)))
        board.set_up(dict.fromkeys(actions, BLACK + 1), BLACK)
    return _place_handicap(session, actions)


@command("set_free_handicap")
def set_free_handicap(session: Session, given: Command) -> str:
    _require_empty_board(session)
    actions = [action_of(word, session) for word in given.arguments]
    stones = dict.fromkeys(actions, BLACK + 1)
    if (
        len(stones) != len(actions)
        or not 2 <= len(stones) < session.board.game.area
        or max(actions) == session.board.game.area
    ):
        raise GtpFailure("bad vertex list")
    _place_handicap(session, actions)
    return ""


# --- Files and pictures ---------------------------------------------------------------------


@command("loadsgf")
def load_sgf(session: Session, given: Command) -> str:
    """Loads the main line, or the position before a move when its number is given."""
    name = arguments(given, 1)[0]
    before = whole_number(given.arguments[1]) if len(given.arguments) > 1 else None
    if before is not None and before < 1:
        raise GtpFailure(SYNTAX_ERROR)
    try:
        if not Path(name).is_file():
            raise UserError(f"'{name}' is not a file")
        record = next(iter(read_records([name])))
        if not isinstance(record, GameRecord):
            raise UserError(f"{record.source}: {record.reason}")
        game = load(record.game)
        session.thinker.prepare(game)
    except (UserError, OSError, ValueError) as error:
        log(str(error))
        raise GtpFailure(CANNOT_LOAD) from None
    if record.remark:
        log(f"{record.source}: {record.remark}")
    rules = sgf_rules(record.rules) if record.rules else session.board.rules
    session.board.load(game, record, None if before is None else before - 1, rules)
    session.thinker.new_game()
    return ""


@command("printsgf")
def print_sgf(session: Session, given: Command) -> str:
    text = write_sgf(session.board.record(session.identity.name))
    if not given.arguments:
        return text
    try:
        write_whole(Path(given.arguments[0]), text.encode())
    except (OSError, ValueError) as error:
        log(str(error))
        raise GtpFailure(CANNOT_SAVE) from None
    return ""


@command("showboard")
def show_board(session: Session, given: Command) -> str:
    board = session.board
    black, white = board.position.record["prisoners"][0].tolist()
    return (
        f"\n{draw(board.position)}\n"
        f"Black (X) has taken {black}, White (O) has taken {white}; komi {board.komi:g}; "
        f"{('Black', 'White')[board.to_move]} to move"
    )

"""Many games at once of small games, as the tests of matches play them."""

from searching import TTT, position

from engine.position import Position
from mcts import MatchPool, SearchSettings, Start


def starts(count, rules=TTT, opening=(), first_seat=lambda index: 0):
    """Games 0 ... count - 1 from one opening."""
    state = position(opening, rules).state
    return [Start(index, state, first_seat(index)) for index in range(count)]


def new_pool(games, rules=TTT, seats=1, *, parallel=4, workers=1, record=True, seed=0, **options):
    cap, resignation = options.pop("cap", None), options.pop("resignation", None)
    return MatchPool(
        rules.native,
        [SearchSettings(**{"visits": 20, "solve": False, **options})] * seats,
        iter(games),
        parallel_games=parallel,
        workers=workers,
        record_policies=record,
        seed=seed,
        playout_cap=cap,
        resignation=resignation,
    )


def play_all(pool, *evaluators):
    """Plays until nothing is left; the logs by id."""
    logs = []

    def keep(log):
        logs.append(log)
        return True

    pool.play(evaluators, keep)
    assert len({log.id for log in logs}) == len(logs)
    return {log.id: log for log in logs}


def as_values(log):
    return (
        log.first_seat,
        log.start.tobytes(),
        log.actions.tolist(),
        log.root_values.tolist(),
        log.full.tolist(),
        log.policies.tolist(),
        log.surprises.tolist(),
        log.resigner,
        log.resigned,
        log.outcome,
        log.score,
        log.ownership.tolist(),
    )


def same_games(found, expected):
    return {i: as_values(log) for i, log in found.items()} == {
        i: as_values(log) for i, log in expected.items()
    }


def replayed(log, rules=TTT):
    position = Position(rules)
    position.start = log.start.copy()
    position.set_start()
    for action in log.actions:
        position.play(int(action))  # raises when it is not legal
    return position

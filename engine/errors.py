"""The one exception class for mistakes of the user: one clear line, no traceback."""


class UserError(Exception):
    """Bad input. The text quotes the input, names the rule and says the remedy, in one line,
    or a line each for several wrong values of a file."""


def did_you_mean(word: str, known: list[str]) -> str:
    """A hint such as ` (did you mean 'go9'?)` for a mistyped word, or the empty string."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""

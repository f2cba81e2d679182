"""A game between a person and the bot: its set-up, its clock, its moves, the plain terminal."""

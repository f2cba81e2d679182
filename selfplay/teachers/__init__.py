"""The teachers that fill the replay, and where their games come from."""

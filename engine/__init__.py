"""What is played and who plays: games, nets, players, records and the ways in."""

import os

# Torch's threads meet at a barrier after each operation. By default they spin there, which on a
# machine that also does something else costs more than ten times the work itself.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import os

from hypothesis import settings

# As in the front door: torch's threads wait without spinning. Torch reads it when first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

settings.register_profile("move37", deadline=None, derandomize=True, database=None)
settings.load_profile("move37")

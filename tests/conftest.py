import os

import pytest
from hypothesis import settings

# As in the front door: torch's threads wait without spinning. Torch reads it when first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:  # the cores are shared by the workers
    os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("move37", deadline=None, derandomize=True, database=None)
settings.load_profile("move37")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests first, so that no worker begins a long one when the others are done."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)

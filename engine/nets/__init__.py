"""Nets, and what they are computed with."""

import sys
from typing import Any, cast

# Importing OpenVINO tells its makers so over the network, unless its reporter cannot be imported.
cast("dict[str, Any]", sys.modules).setdefault("openvino_telemetry", None)

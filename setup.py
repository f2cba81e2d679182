"""Builds the C++ search core; everything else is declared in pyproject.toml."""

import os
from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension, build_ext
from setuptools import setup

if os.name == "nt":
    flags = ["/O2"]
else:
    flags = ["-O3", "-Wall", "-Wextra", "-fno-math-errno", "-fno-trapping-math", "-fopenmp-simd"]
    if os.environ.get("MOVE37_DEVELOP"):
        flags.append("-Werror")

ParallelCompile("NPY_NUM_BUILD_JOBS", default=0).install()
core = Pybind11Extension(
    "mcts._core",
    sorted(map(str, Path("csrc").glob("*.cpp"))),
    depends=sorted(map(str, Path("csrc").glob("*.h"))),
    cxx_std=17,
    extra_compile_args=flags,
)
setup(ext_modules=[core], cmdclass={"build_ext": build_ext})

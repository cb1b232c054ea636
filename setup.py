"""Build of the one extension module; all metadata is in pyproject.toml."""

import platform
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

if sys.platform == "win32":
    compile_args = ["/O2", "/std:c++17", "/EHsc", "/fp:precise"]
    link_args: list[str] = []
else:
    # -ffp-contract=off: no fused multiply-add behind our back, so that every machine gives the
    # same digits.
    compile_args = [
        "-O3",
        "-std=c++17",
        "-fvisibility=hidden",
        "-ffp-contract=off",
        "-fno-math-errno",
        "-pthread",
        "-g0",
        "-Wall",
        "-Wextra",
    ]
    link_args = ["-pthread"]
    if sys.platform == "linux" and platform.machine() == "x86_64":
        # The least that is needed; wider sets are chosen at run time (csrc/foreach_level.hpp).
        compile_args.append("-march=x86-64-v2")
    if sys.platform == "linux":
        link_args.append("-Wl,--version-script=csrc/exports.map")

csrc = sorted(str(p) for p in Path("csrc").glob("*.cpp") if not p.name.startswith("test_"))
parts = ["_core.pyx", "_approx.pxi", "_ready.pxi", "_svm.pxi"]
headers = sorted(str(p) for p in Path("csrc").iterdir() if p.suffix in {".h", ".hpp", ".map"})

setup(
    # The C headers are installed as lamoo_fast/include.
    packages=[*find_packages(include=["lamoo_fast*"]), "lamoo_fast.include"],
    package_dir={"lamoo_fast.include": "csrc"},
    package_data={
        "lamoo_fast": ["py.typed", "kernels/*.pyi", "kernels/*.pxd"],
        "lamoo_fast.page": ["*.html", "*.css", "*.js"],
        "lamoo_fast.include": ["*.h"],
    },
    ext_modules=cythonize(
        Extension(
            "lamoo_fast.kernels._core",
            sources=["lamoo_fast/kernels/_core.pyx", *csrc],
            # What the sdist must hold too.
            depends=[*headers, *(f"lamoo_fast/kernels/{name}" for name in parts)],
            include_dirs=["csrc"],
            extra_compile_args=compile_args,
            extra_link_args=link_args,
            language="c++",
        ),
        compiler_directives={"language_level": 3, "embedsignature": False},
    ),
)

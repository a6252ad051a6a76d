"""Which files of a kernel tree matter: to configuring and lifting it at all, to one architecture, to the configuration.

Sources: Documentation/kbuild/kbuild.rst and makefiles.rst, the top Kbuild and scripts/Makefile.asm-headers of linux-6.12.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final

#: Kconfig reads every Kconfig file, and make prepare builds tools and scripts; sources and descriptions of devices are none of it.
_LEFT_OUT: Final = re.compile(r"Documentation/.+/.|.*\.dts|(?:drivers|sound|net|fs)/.*\.c$|drivers/gpu/drm/amd/.*\.h$|tools/testing/selftests/.+/.")
#: What every architecture's helpers may be made of.
SHARED: Final = ("include", "mm", "kernel", "scripts", "lib", "init", "Makefile", "Kbuild", "Kconfig")
#: Kconfig files are everywhere.
KCONFIG: Final = (":(glob)**/Kconfig*",)


def to_lift(path: str) -> bool:
    """Whether a tree without the file could not be configured and lifted the same."""
    return _LEFT_OUT.match(path) is None


def paths(kernel_archs: Iterable[str]) -> tuple[str, ...]:
    """Pathspecs of what can matter to architectures, by the kernel's names for them."""
    return (*SHARED, *(f"arch/{arch}" for arch in kernel_archs), *KCONFIG)


def of_arch(path: str, kernel_arch: str) -> bool:
    """Whether a file may matter to an architecture, by the kernel's name for it: that of another, or a driver's, does not."""
    parts = PurePosixPath(path).parts
    if parts[0] == "arch" and len(parts) > 2:
        return parts[1] == kernel_arch
    return parts[0] in SHARED or parts[-1].startswith("Kconfig") or parts == ("arch", "Kconfig")


def configures(path: str, kernel_arch: str) -> bool:
    """Whether a file may change the kernel's options, the compiler's flags, or the headers that make generates other than from C."""
    if not of_arch(path, kernel_arch):
        return False
    name = PurePosixPath(path).name
    build = name.startswith(("Kconfig", "Makefile", "Kbuild", "Platform")) or name.endswith((".tbl", ".bc", ".config", "defconfig"))
    return build or path.startswith(("scripts/", f"arch/{kernel_arch}/tools/", f"arch/{kernel_arch}/configs/"))


def generates(path: str) -> bool:
    """Whether numbers in generated headers come straight from this C file."""
    name = PurePosixPath(path).name
    return path == "kernel/bounds.c" or name.startswith("asm-offsets") or path == "kernel/sched/rq-offsets.c"

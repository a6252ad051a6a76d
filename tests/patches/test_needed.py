"""Which files of a tree matter."""

from __future__ import annotations

import pytest

from bitspec.patches import needed


@pytest.mark.parametrize(
    ("path", "lifts", "mine", "configures"),
    [
        ("arch/x86/include/asm/pgtable.h", True, True, False),
        ("arch/x86/mm/pgtable.c", True, True, False),
        ("arch/s390/include/asm/pgtable.h", True, False, False),
        ("include/linux/swapops.h", True, True, False),
        ("include/asm-generic/Kbuild", True, True, True),
        ("mm/Kconfig", True, True, True),
        ("drivers/net/Kconfig", True, True, True),
        ("arch/x86/Kconfig", True, True, True),
        ("arch/s390/Kconfig", True, False, False),
        ("arch/Kconfig", True, True, True),
        ("Makefile", True, True, True),
        ("scripts/Makefile.build", True, True, True),
        ("arch/x86/entry/syscalls/syscall_64.tbl", True, True, True),
        ("arch/x86/configs/x86_64_defconfig", True, True, True),
        ("arch/arm64/tools/sysreg", True, False, False),
        ("drivers/net/ethernet/card.c", False, False, False),
        ("drivers/net/ethernet/Makefile", True, False, False),
        ("fs/ext4/inode.c", False, False, False),
        ("fs/proc/internal.h", True, False, False),
        ("Documentation/mm/page_tables.rst", False, False, False),
        ("Documentation/Kconfig", True, True, True),
        ("arch/arm64/boot/dts/arm/fvp.dts", False, False, False),
    ],
)
def test_what_matters_to_x86(path: str, lifts: bool, mine: bool, configures: bool) -> None:
    assert (needed.to_lift(path), needed.of_arch(path, "x86"), needed.configures(path, "x86")) == (lifts, mine, configures)


def test_what_is_of_another_architecture_may_be_of_this_ones() -> None:
    assert needed.of_arch("arch/s390/include/asm/pgtable.h", "s390")
    assert needed.configures("arch/arm64/tools/sysreg", "arm64")


def test_numbers_come_from_two_kinds_of_file() -> None:
    assert [path for path in ("kernel/bounds.c", "arch/x86/kernel/asm-offsets_64.c", "kernel/fork.c") if needed.generates(path)] == [
        "kernel/bounds.c",
        "arch/x86/kernel/asm-offsets_64.c",
    ]

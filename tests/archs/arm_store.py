"""The kernel's own cpu_v7_set_pte_ext(), assembled from a tree and run: what becomes of an entry on its way into the tables."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

from bitspec.lift.toolchain import Clang
from bitspec.mmu.emulator import unicorn

#: In place of the macros of the tree's headers, which want a configured one: an SMP kernel's, in Arm instructions.
_MACROS = """
#define SYM_TYPED_FUNC_START(name) name:
#define SYM_FUNC_END(name)
#define ENTRY(name) name:
#define ENDPROC(name)
#define CONFIG_MMU 1
#define ARM(x...) x
#define THUMB(x...)
#define W(x...) x
#define ALT_SMP(x...) x
#define ALT_UP(x...)
.macro mmid rd, rn
.endm
.macro asid rd, rn
.endm
.macro ret reg
bx \\reg
.endm
.macro crval clear, mmuset, ucset
.word \\clear, \\mmuset, \\ucset
.endm
#include <linux/const.h>
#include <asm/pgtable-{levels}level-hwdef.h>
#include <asm/pgtable-{levels}level.h>
.globl cpu_v7_set_pte_ext
#include "{tree}/arch/arm/mm/proc-v7-{levels}level.S"
"""
_CODE, _TABLE, _END = 0x10000, 0x20000, 0x1FFF0


def assembled(tree: Path, levels: int, clang: Clang, folder: Path) -> bytes:
    """The instructions of the function."""
    (folder / "asm").mkdir()
    (folder / "asm" / "assembler.h").touch()
    source, made = folder / "store.S", folder / "store.o"
    source.write_text(_MACROS.replace("{levels}", str(levels)).replace("{tree}", str(tree)))
    includes = [folder, *(tree / one for one in ("arch/arm/include", "include/uapi", "include"))]
    target = ("--target=arm-linux-gnueabi", "-march=armv7ve", "-D__ASSEMBLY__", *(f"-I{one}" for one in includes))
    subprocess.run([*clang.command, *target, "-c", str(source), "-o", str(made)], check=True)
    return _function(made.read_bytes(), b"cpu_v7_set_pte_ext")


def _function(elf: bytes, name: bytes) -> bytes:
    """What the section of a symbol has from there on."""
    (place,), (size, count) = struct.unpack_from("<I", elf, 32), struct.unpack_from("<HH", elf, 46)
    sections = [struct.unpack_from("<10I", elf, place + size * index) for index in range(count)]
    table = next(one for one in sections if one[1] == 2)  # SHT_SYMTAB
    names = sections[table[6]][4]
    for at in range(table[4], table[4] + table[5], 16):
        string, value, _, _, _, section = struct.unpack_from("<IIIBBH", elf, at)
        if elf[names + string :].partition(b"\0")[0] == name:
            start, length = sections[section][4:6]
            return elf[start + value : start + length]
    raise AssertionError(f"{name!r} must be a symbol")


def stores(code: bytes) -> Callable[[int, int, int], bytes]:
    """The function as one of its arguments in r1, r2 and r3: the 4096 bytes from the entry on, after it."""
    names, registers = unicorn(), unicorn("unicorn.arm_const")
    uc = names.Uc(names.UC_ARCH_ARM, names.UC_MODE_ARM)
    uc.ctl_set_cpu_model(registers.UC_CPU_ARM_CORTEX_A15)
    uc.mem_map(_CODE, 0x20000)
    uc.mem_write(_CODE, code)

    def run(*arguments: int) -> bytes:
        uc.mem_write(_TABLE, bytes(4096))
        for register, value in zip(("R0", "R1", "R2", "R3", "LR"), (_TABLE, *arguments, _END), strict=True):
            uc.reg_write(getattr(registers, f"UC_ARM_REG_{register}"), value)
        uc.emu_start(_CODE, _END)
        return bytes(uc.mem_read(_TABLE, 4096))

    return run

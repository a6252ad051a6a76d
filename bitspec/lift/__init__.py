"""Lifting: a kernel tree's own helpers as expressions, by way of clang and LLVM IR.

``toolchain`` finds clang; ``tree`` configures a tree; ``wrappers`` writes the C; ``build`` compiles it; ``ir`` reads the IR; ``asm`` says what inline
assembly means; ``translate`` makes expressions of it; ``lifting`` puts it together; ``native`` runs the same IR on this machine, to hold it against the
expressions.  Nothing here names an architecture: what is particular to one stands in its ``archs/ARCH/toolchain.py``.
"""

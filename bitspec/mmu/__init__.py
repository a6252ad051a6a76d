"""An emulated MMU as a witness that knows nothing of our specification.

The question put to it: with this value at this level, does a load, a store or a fetch of the mapped address fault, or translate, to which address,
and which bits of the entry has the walk written?  :mod:`bitspec.mmu.emulator` asks it (QEMU's MMUs, through unicorn), :mod:`bitspec.mmu.machine`
says what an architecture must provide and what the answers look like, :mod:`bitspec.mmu.expected` evaluates the specification,
:mod:`bitspec.mmu.compare` holds one against the other, :mod:`bitspec.mmu.controls` shows first that a set-up answers at all, and
:mod:`bitspec.mmu.values` chooses the entries.

Nothing here knows an architecture: how each emulator is set up stands in ``archs/ARCH/mmu.py``.
"""

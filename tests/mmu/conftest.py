"""Every test here needs the emulator."""

import pytest

pytest.importorskip("unicorn", reason="the emulated MMUs need unicorn: pip install 'bitspec-pgtable[mmu]'")

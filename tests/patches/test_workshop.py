"""What a tree is configured from after a step, whatever git has an eye on."""

from __future__ import annotations

from pathlib import Path

import pytest

from archs import patched
from archs.trees import Runs
from tests.patches.repository import FILES, folder, patch, repository

pytest.importorskip("ziglang")
KCONFIG = "mm/Kconfig"


def plain(place: Path) -> Path:
    return folder(place)


def clean(place: Path) -> Path:
    return repository(place)


def dirty(place: Path) -> Path:
    """With a file that is changed, and one that git does not know."""
    repository(place)
    (place / "Kbuild").write_text("mine\n")
    (place / KCONFIG).parent.mkdir()
    (place / KCONFIG).write_text("config OLD\n")
    return place


@pytest.mark.parametrize("make", [plain, clean, dirty])
def test_a_step_has_every_file_of_the_tree_and_the_patch(make, tmp_path: Path) -> None:
    """A series on files as they are on disk names some of them; the others are those on disk, too."""
    tree = make(tmp_path / "tree")
    old = (tree / KCONFIG).read_text() if (tree / KCONFIG).exists() else ""
    text = patch(KCONFIG, old, "config NEW\n")
    if not old:
        text = text.replace(f"--- a/{KCONFIG}", "new file mode 100644\n--- /dev/null")
    before = {path.relative_to(tree).as_posix(): path.read_text() for path in tree.rglob("*") if path.is_file() and ".git" not in path.parts}
    with patched.workshop((), Runs(tree), None, None, [("a patch", text.encode())]) as shop:
        made = shop.files_of(shop.series.steps[0])
        after = {path.relative_to(made).as_posix(): path.read_text() for path in made.rglob("*") if path.is_file()}
    assert after == {name: text for name, text in before.items() if name != "drivers/net/card.c"} | {KCONFIG: "config NEW\n"}
    assert set(FILES) - {"drivers/net/card.c"} <= set(after)

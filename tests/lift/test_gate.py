"""With a kernel tree, which BITSPEC_KERNEL names: series of patches for it, judged one by one, and its helpers beside another state of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

import cli
from archs import patched, trees
from bitspec.lift.tree import release
from tests.docs.test_ci import ROOT, scripts
from tests.patches.repository import commit, git, mail, patch, state

TREE = os.environ.get("BITSPEC_KERNEL", "")
pytestmark = pytest.mark.skipif(not TREE or shutil.which("git") is None, reason="BITSPEC_KERNEL names no kernel tree, or there is no git")

X86, X86_64, S390 = "arch/x86/include/asm/pgtable.h", "arch/x86/include/asm/pgtable_64.h", "arch/s390/include/asm/pgtable.h"
FIRST = "#define SWP_OFFSET_FIRST_BIT\t(_PAGE_BIT_PROTNONE + {})"


@cache
def source(name: str) -> str:
    return (Path(TREE) / name).read_text()


def edits() -> list[tuple[str, str, str]]:
    """Five changes: subject, file, and its text after."""
    head = "static inline int pmd_present("
    macro = "#define _PMD_IS_PRESENT\t(_PAGE_PRESENT | _PAGE_PROTNONE | _PAGE_PSE)"
    used = re.sub(r"return pmd_flags\(pmd\) &\s*\([^)]*_PAGE_PSE\)", "return pmd_flags(pmd) & _PMD_IS_PRESENT", source(X86))
    named = used.replace(head, f"{macro}\n\n{head}", 1)
    assert used != source(X86)
    assert named != used
    told = source(X86_64).replace("#define SWP_TYPE_BITS", "/* as many as MAX_SWAPFILES_SHIFT */\n#define SWP_TYPE_BITS", 1)
    higher, lower, back = (told.replace(FIRST.format(1), FIRST.format(number)) for number in (2, 0, 1))
    assert len({told, higher, lower}) == 3
    return [
        ("name what makes a PMD present", X86, named),
        ("say why a swap type has five bits", X86_64, told),
        ("leave a bit above PROTNONE in swap entries", X86_64, higher),
        ("use all bits for the swap offset", X86_64, lower),
        ("keep the swap offset off PROTNONE", X86_64, back),
    ]


def mailbox(*changes: tuple[str, str, str]) -> str:
    """The changes as mails on top of each other."""
    now: dict[str, str] = {}
    found = []
    for number, (subject, name, text) in enumerate(changes, 1):
        found.append(mail(f"[PATCH {number}/{len(changes)}] {subject}", patch(name, now.get(name, source(name)), text)))
        now[name] = text
    return "".join(found)


def run(*arguments: object, given: str | None = None):
    return CliRunner().invoke(cli.main, [str(one) for one in arguments], input=given)


def test_the_patch_that_collides_is_named_and_the_right_ones_are_not(tmp_path: Path) -> None:
    """A refactoring, a comment, a change that is right, one that collides, its fix: by name and by standard input."""
    box = tmp_path / "series.mbox"
    box.write_text(mailbox(*edits()))
    result = run("gate", "--kernel", TREE, "--arch", "x86_64", box, "--format", "json")
    data = json.loads(result.stdout)
    assert result.exit_code == 1
    assert data["first_broken"] == "4/5"
    alike = [bool(one["alike"]) for one in data["patches"]]
    assert alike == [True, True, False, False, False]
    right, wrong, fix = (one["comparisons"][0] for one in data["patches"][2:])
    assert not right["broken"]
    assert right["capacity"]["swap offset bits"]["lost"]
    assert {one["result"]["code"] for one in wrong["broken"]} == {"LAY803", "SWP405", "SWP413"}
    assert {one["result"]["source"] for one in wrong["broken"]} == {"lifted"}
    places = [place for one in wrong["broken"] for place in one["result"]["where"] if one["result"]["code"] == "SWP405"]
    assert places
    assert all(re.match(r"arch/x86/include/asm/pgtable\w*\.h:\d+: ", place) for place in places)
    assert {one["result"]["code"] for one in fix["fixed"]} == {"LAY803", "SWP405", "SWP413"}
    again = run("gate", "--kernel", TREE, "--arch", "x86_64", "--format", "terse", given=box.read_text())
    assert again.exit_code == 1
    assert "linux-6.12+4/5" in again.stdout
    assert "+3/5" not in again.stdout


def test_only_what_is_touched_is_read_again_and_the_tree_stays_as_it_is() -> None:
    """A driver is nothing to anybody, and a header of s390's nothing to x86-64."""
    before = {name: state(Path(TREE) / name) for name in ("arch/s390/include/asm", "arch/x86/include/asm", "include/linux")}
    text = source(S390)
    driver = patch("drivers/x.c", "", "int x;\n").replace("--- a/drivers/x.c", "new file mode 100644\n--- /dev/null")
    box = mailbox(("a comment", S390, f"/* new */\n{text}")) + mail("a driver", driver)
    result = run("gate", "--kernel", TREE, "--format", "json", given=box)
    data = json.loads(result.stdout)
    assert result.exit_code == 0
    assert data["looked_at"] == ["s390 z14"] or [one.partition(" ")[0] for one in data["looked_at"]] == ["s390"]
    assert [len(one["alike"]) for one in data["patches"]] == [1, 0]
    assert {name: state(Path(TREE) / name) for name in before} == before


def test_a_patch_that_changes_the_configuration_has_the_tree_configured_again() -> None:
    """Without MEM_SOFT_DIRTY there are no soft-dirty helpers: removed, and not taken from the declared layout."""
    text = source("mm/Kconfig")
    assert "config MEM_SOFT_DIRTY" in text
    without = text.replace("config MEM_SOFT_DIRTY\n", "config MEM_SOFT_DIRTY\n\tdepends on BROKEN\n", 1)
    result = run("gate", "--kernel", TREE, "--arch", "s390", "--format", "json", given=mailbox(("no soft-dirty", "mm/Kconfig", without)))
    data = json.loads(result.stdout)
    assert result.exit_code == 0, result.output
    (found,) = data["patches"][0]["comparisons"]
    assert not found["broken"]
    assert any(one["after"] in ("not-applicable", "not asked") for one in found["others"])


def test_a_patch_that_does_not_compile_is_wrong_input() -> None:
    text = source(S390).replace("static inline int pmd_present(", "#error not yet\nstatic inline int pmd_present(", 1)
    result = run("gate", "--kernel", TREE, "--arch", "s390", given=mailbox(("half done", S390, text)))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "s390 after 1/1 half done: " in result.stderr.splitlines()[-1]


def test_a_helper_that_cannot_be_read_any_more_is_no_pass() -> None:
    text = source(S390)
    body = "\tunsigned long n = 0;\n\n\twhile (READ_ONCE(n) < pmd_val(pmd))\n\t\tWRITE_ONCE(n, n + 3);\n\treturn n;"
    loop = f"static inline int pmd_present(pmd_t pmd)\n{{\n{body}\n}}\n\nstatic inline int bitspec_was_present(pmd_t pmd)"
    changed = text.replace("static inline int pmd_present(pmd_t pmd)", loop, 1)
    assert changed != text
    result = run("gate", "--kernel", TREE, "--arch", "s390", given=mailbox(("a loop", S390, changed)))
    assert result.exit_code in (1, 3)
    assert "pmd_present: it cannot be read any more" in result.stdout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree's files that matter, as a repository with the five commits."""
    place = tmp_path_factory.mktemp("repository") / "linux"
    patched.copy(Path(TREE), place)
    git(place, "init", "-q", "-b", "main")
    git(place, "add", "-A", "-f")
    git(place, "commit", "-q", "-m", "the tree")
    git(place, "tag", "base")
    for subject, name, text in edits():
        commit(place, name, text, subject)
    return place


def test_commits_of_a_repository_are_judged_one_by_one(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    result = run("gate", "--kernel", repository, "--base", "base", "--arch", "x86_64")
    assert result.exit_code == 1, result.output
    fourth = git(repository, "rev-parse", "HEAD~1")[:12]
    assert result.stdout.splitlines()[-1].startswith(f">> {fourth} use all bits for the swap offset is the first patch")
    assert git(repository, "rev-parse", "HEAD") == head
    assert git(repository, "status", "--porcelain") == ""
    right = run("gate", "--kernel", repository, "--base", "base", "--head", "HEAD~2", "--arch", "x86_64")
    assert right.exit_code == 0
    assert run("gate", "--kernel", repository, "--base", "base", "--head", "HEAD~2", "--arch", "x86_64", "--strict").exit_code == 1


def test_two_revisions_side_by_side(repository: Path) -> None:
    result = run("diff", f"{repository}@base", f"{repository}@HEAD~2", "--arch", "x86_64", "--format", "json")
    (found,) = json.loads(result.stdout)["comparisons"]
    assert result.exit_code == 0
    assert {one["name"] for one in found["helpers"]} >= {"__swp_entry", "__swp_offset"}
    assert [(one["name"], one["was"], one["bits"]) for one in found["fields"]] == [("swap offset", "58:9", "58:10")]
    same = run("diff", f"{repository}@base", f"{repository}@HEAD~3", "--arch", "x86_64")
    assert "no change in meaning" in same.stdout
    assert "none moves" in same.stdout


def test_the_nearest_layout_lends_its_names(tmp_path: Path) -> None:
    assert trees.nearest("x86_64", Path(TREE)) == "linux-" + ".".join(release(Path(TREE)).split(".")[:2])


@pytest.mark.parametrize(("name", "status"), [("GitHub", 1), ("GitLab", 1), ("pre-commit", 0)])
def test_the_recipes_of_the_page_run_as_they_stand(name: str, status: int, repository: Path, tmp_path: Path) -> None:
    """As CI calls them: the script by bash, in a clone whose remote has the branch that is merged into."""
    script = scripts()[name]
    bitspec = tmp_path / "bin" / "bitspec"
    bitspec.parent.mkdir()
    bitspec.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT / "cli.py"} "$@"\n')
    bitspec.chmod(0o755)
    base = git(repository, "rev-parse", "base").strip()
    git(repository, "update-ref", "refs/remotes/origin/main", base)
    settings = {"PATH": f"{bitspec.parent}:{os.environ['PATH']}", "GITHUB_BASE_REF": "main", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
    if name == "pre-commit":
        (repository / S390).write_text(f"/* new */\n{source(S390)}")
        git(repository, "add", "-A")
    try:
        done = subprocess.run(["bash", "-e", "-c", script], capture_output=True, text=True, check=False, cwd=repository, env=os.environ | settings)
        assert done.returncode == status, done.stderr
        if name == "GitHub":
            assert re.search(r"^::error file=arch/x86/include/asm/pgtable\w*\.h,line=\d+,title=SWP405 ", done.stdout, re.MULTILINE)
        elif name == "GitLab":
            assert "SWP405" in (repository / "bitspec.xml").read_text()
        else:
            assert re.search(r"^  s390 z14.*: no change in meaning$", done.stdout, re.MULTILINE)
    finally:
        git(repository, "reset", "-q", "--hard")
        (repository / "bitspec.xml").unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("name", "old", "new", "unread"),
    [
        (S390, "pte_t pte_swp_mkexclusive(pte_t pte)\n{", "pte_t pte_swp_mkexclusive(pte_t pte)\n{\n\tBUG();", "pte_swp_mkexclusive"),
        (S390, "pte_t pte_swp_mkexclusive(pte_t pte)", "pte_t pte_swp_mkexclusive(void *unused, pte_t pte)", "pte_swp_mkexclusive"),
        ("include/linux/swap.h", "#define MAX_SWAPFILES \\\n\t(", "extern int bitspec_more;\n#define MAX_SWAPFILES \\\n\t(bitspec_more + ", "MAX_SWAPFILES"),
        (
            "arch/s390/mm/mmap.c", "DECLARE_VM_GET_PAGE_PROT",
            "pgprot_t bitspec_prot(unsigned long f);\npgprot_t vm_get_page_prot(unsigned long f) { return bitspec_prot(f); }", "protection 1",
        ),
    ],
    ids=["BUG", "signature", "constant", "protections"],
)  # fmt: skip
def test_what_cannot_be_read_any_more_is_no_pass(name: str, old: str, new: str, unread: str) -> None:
    """It is there and does not compile, or says nothing: not gone, and not as the declared layout has it."""
    text = source(name)
    assert old in text
    result = run("gate", "--kernel", TREE, "--arch", "s390", given=mailbox(("half", name, text.replace(old, new, 1))))
    assert result.exit_code == 3, result.output
    assert re.search(rf"^unknown  {unread}: it cannot be read any more: ", result.stdout, re.MULTILINE)


def test_a_base_that_comes_after_the_head_is_wrong_input(repository: Path) -> None:
    result = run("gate", "--kernel", repository, "--base", "HEAD", "--head", "base", "--arch", "x86_64")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "base must come after HEAD, and comes before it" in result.stderr

"""A series is made of commits or of mails, and nothing that a stranger puts into a patch gets anywhere but the scratch folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from bitspec.lift.problem import Problem
from bitspec.patches.git import Git
from bitspec.patches.series import FILE_SIZE, PATCHES, SIZE, Series, of_commits, of_mails
from tests.patches.repository import FILES, commit, folder, git, mail, patch, repository, state

MM = "include/linux/mm.h"
BEFORE = FILES[MM]
ONE, TWO = BEFORE.replace("one", "1"), BEFORE.replace("one", "1").replace("two", "2")


def asked(tree: Path, scratch: Path) -> Git:
    scratch.mkdir(exist_ok=True)
    return Git(tree, scratch)


def contents(made: Git, series: Series, number: int, path: str = MM) -> str:
    changes = {one.path: one for one in made.changes(series.base, series.steps[number].tree)}
    return made.contents(changes[path].blob).decode()


@pytest.fixture(params=["folder", "repository"])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return (folder if request.param == "folder" else repository)(tmp_path / "tree")


def mails(tree: Path, tmp_path: Path, *texts: str) -> tuple[Git, Series]:
    made = asked(tree, tmp_path / "scratch")
    base = made.tree_of(made.commit("HEAD")) if made.repository else None
    return made, of_mails(made, base, [(f"mail{number}", text.encode()) for number, text in enumerate(texts)])


# What it is made of


def test_a_mailbox_is_applied_mail_by_mail(tree: Path, tmp_path: Path) -> None:
    before = state(tree)
    box = mail("[PATCH 0/2] a cover letter", "two patches")
    box += mail("[PATCH 1/2] first", patch(MM, BEFORE, ONE)) + mail("[PATCH 2/2] second", patch(MM, ONE, TWO))
    made, series = mails(tree, tmp_path, box)
    assert [(one.name, one.subject) for one in series.steps] == [("1/2", "first"), ("2/2", "second")]
    assert [contents(made, series, number) for number in (0, 1)] == [ONE, TWO]
    assert state(tree) == before


def test_files_are_one_series_and_a_bare_patch_is_enough(tree: Path, tmp_path: Path) -> None:
    made, series = mails(tree, tmp_path, patch(MM, BEFORE, ONE), mail("[PATCH] more", patch(MM, ONE, TWO)))
    assert [str(one) for one in series.steps] == ["1/2", "2/2 more"]
    assert contents(made, series, 1) == TWO


def test_a_file_may_be_new_go_or_be_called_otherwise(tree: Path, tmp_path: Path) -> None:
    new = "diff --git a/include/new.h b/include/new.h\nnew file mode 100644\n--- /dev/null\n+++ b/include/new.h\n@@ -0,0 +1 @@\n+new\n"
    gone = "diff --git a/drivers/net/card.c b/drivers/net/card.c\ndeleted file mode 100644\n--- a/drivers/net/card.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-card\n"
    called = f"diff --git a/{MM} b/include/other.h\nsimilarity index 100%\nrename from {MM}\nrename to include/other.h\n"
    made, series = mails(tree, tmp_path, new + gone + called)
    found = {one.path: (bool(one.before), bool(one.after)) for one in made.changes(series.base, series.steps[0].tree)}
    assert found == {"include/new.h": (False, True), "drivers/net/card.c": (True, False), MM: (True, False), "include/other.h": (False, True)}


def test_commits_are_steps_if_they_change_what_matters(tmp_path: Path) -> None:
    tree = repository(tmp_path / "tree")
    commit(tree, MM, ONE, "first")
    commit(tree, "drivers/net/card.c", "other\n", "a driver")
    last = commit(tree, MM, TWO, "second")
    before = state(tree)
    made = asked(tree, tmp_path / "scratch")
    series = of_commits(made, made.commit("HEAD~3"), made.commit("main"), ["include"])
    assert [one.subject for one in series.steps] == ["first", "second"]
    assert last.startswith(series.steps[-1].name)
    assert [contents(made, series, number) for number in (0, 1)] == [ONE, TWO]
    assert state(tree) == before


def test_the_files_on_disk_are_told_from_a_commit(tmp_path: Path) -> None:
    tree = repository(tmp_path / "tree")
    made = asked(tree, tmp_path / "scratch")
    first = made.commit("HEAD")
    assert made.same_on_disk(first)
    (tree / MM).write_text("changed\n")
    assert not made.same_on_disk(first)
    second = commit(tree, MM, ONE, "first")
    assert made.same_on_disk(second)
    assert not made.same_on_disk(first)


def test_a_bare_repository_and_a_folder_inside_another_repository(tmp_path: Path) -> None:
    tree = repository(tmp_path / "tree")
    git(tmp_path, "clone", "-q", "--bare", str(tree), "bare.git")
    bare = asked(tmp_path / "bare.git", tmp_path / "one")
    assert bare.repository
    assert not bare.same_on_disk(bare.commit("HEAD"))
    bare.check_out(bare.tree_of(bare.commit("HEAD")), [MM], tmp_path / "out")
    assert [str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.h")] == [MM]
    assert not asked(tree / "include", tmp_path / "two").repository


def test_a_revision_that_is_none(tmp_path: Path) -> None:
    made = asked(repository(tmp_path / "tree"), tmp_path / "scratch")
    for name in ("v6.99", "--all", "HEAD^{tree}", "a\nb"):
        with pytest.raises(Problem, match=r"no commit|must not begin with a dash"):
            made.commit(name)
    with pytest.raises(Problem, match="not the top folder of a git repository"):
        asked(folder(tmp_path / "plain"), tmp_path / "other").commit("HEAD")


# What a stranger sends


def _new(name: str, mode: str, text: str) -> str:
    return f"diff --git a/{name} b/{name}\nnew file mode {mode}\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+{text}\n"


_BINARY = "diff --git a/logo.png b/logo.png\nnew file mode 100644\nindex 0000000..1111111\nGIT binary patch\nliteral 3\nKcmZ?wbYfxz0ssI20XqNy\n\n"
_TOLD_BINARY = "diff --git a/logo.png b/logo.png\nindex 0000000..1111111 100644\nBinary files a/logo.png and b/logo.png differ\n"


def _outside(name: str) -> str:
    return _new(name, "100644", "mine")


HOSTILE = {
    "above": (_outside("../outside.h"), "must apply|must be a patch|stay in the tree"),
    "above, later": (_outside("include/../../outside.h"), "must apply|must be a patch|stay in the tree"),
    "absolute": ("--- /dev/null\n+++ b//tmp/bitspec-outside.h\n@@ -0,0 +1 @@\n+mine\n", "must apply|must be a patch|stay in the tree"),
    "git's own folder": (_outside(".git/hooks/post-checkout"), "must apply|must be a patch|stay in the tree"),
    "git's own folder in capitals": (_outside(".GIT/config"), "must apply|must be a patch|stay in the tree"),
    "a symbolic link": (_new("include/link.h", "120000", "/etc/passwd"), "a symbolic link or a submodule"),
    "a submodule": (_new("include/sub", "160000", f"Subproject commit {'01' * 20}"), "a symbolic link or a submodule"),
    "binary": (_BINARY, "this one is binary"),
    "told to be binary": (_TOLD_BINARY, "this one is binary"),
    "not a patch": ("hello\n", "there must be a patch in it"),
    "nothing": ("", "there must be a patch in it"),
    "garbled": (patch(MM, BEFORE, ONE).replace("@@ -1,3", "@@ -1,99"), "corrupt|must apply|must be a patch"),
    "cut off": (patch(MM, BEFORE, ONE)[:-12], "corrupt|must apply|must be a patch"),
    "of another tree": (patch(MM, "a\nb\nc\n", "a\nB\nc\n"), "patch 1/1 must apply, and does not"),
    "of a file that is not there": (patch("include/none.h", "a\n", "b\n"), "patch 1/1 must apply, and does not"),
    "half a series": (mail("one", patch(MM, BEFORE, ONE)) + mail("two", patch(MM, BEFORE, TWO)), "patch 2/2 must apply, and does not"),
    "a mailbox of nothing": (mail("a letter", "hello"), "there must be a patch in it"),
    "escapes": (mail("\x1b[31mred", patch("include/\x1b[2J.h", "a\n", "b\n")), "must apply|must be a patch"),
    "zeros": ("\0" * 1000, "there must be a patch in it"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_refused_leaves_nothing_behind(name: str, tree: Path, tmp_path: Path) -> None:
    text, says = HOSTILE[name]
    before = state(tmp_path)
    with pytest.raises(Problem, match=says) as caught:
        mails(tree, tmp_path, text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()
    after = {path: what for path, what in state(tmp_path).items() if not path.startswith(str(tmp_path / "scratch"))}
    assert after == before


def test_an_absolute_path_is_one_of_the_tree(tree: Path, tmp_path: Path) -> None:
    """git takes off what is before the first slash."""
    made, series = mails(tree, tmp_path, "--- /dev/null\n+++ /outside/new.h\n@@ -0,0 +1 @@\n+mine\n")
    assert [one.path for one in made.changes(series.base, series.steps[0].tree)] == ["outside/new.h"]
    assert not Path("/outside").exists()


def test_what_is_too_large_is_refused(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(Problem, match=f"at most {SIZE >> 20} MiB"):
        mails(tree, tmp_path, "x" * (SIZE + 1))
    lines = "x" * 1000 + "\n"
    count = FILE_SIZE // len(lines) + 1
    large = f"diff --git a/include/x.h b/include/x.h\nnew file mode 100644\n--- /dev/null\n+++ b/include/x.h\n@@ -0,0 +1,{count} @@\n" + f"+{lines}" * count
    with pytest.raises(Problem, match=f"at most {FILE_SIZE >> 20} MiB"):
        mails(tree, tmp_path, large)


def test_what_is_too_many_is_refused(tree: Path, tmp_path: Path) -> None:
    made = asked(tree, tmp_path / "scratch")
    with pytest.raises(Problem, match=f"at most {PATCHES} patches"):
        of_mails(made, None, [(str(number), patch(MM, BEFORE, ONE).encode()) for number in range(PATCHES + 1)])


def test_nothing_is_read_or_written_through_a_link_of_the_tree(tmp_path: Path) -> None:
    """Of a folder the files are read that a patch names: one behind a link is somebody else's."""
    tree, secret = folder(tmp_path / "tree"), tmp_path / "secret"
    secret.mkdir()
    (secret / "key.h").write_text("secret\n")
    (tree / "include/linked").symlink_to(secret)
    (tree / "include/key.h").symlink_to(secret / "key.h")
    for name in ("include/linked/key.h", "include/key.h"):
        with pytest.raises(Problem, match="a symbolic link"):
            mails(tree, tmp_path, patch(name, "secret\n", "open\n"))


@pytest.mark.parametrize("first", ["To: x@y.z", "MIME-Version: 1.0", "X-Mailer: none", "List-Id: <x>"])
def test_a_mail_may_begin_with_any_header_and_be_encoded(first: str, tree: Path, tmp_path: Path) -> None:
    from base64 import encodebytes

    body = encodebytes(patch(MM, BEFORE, ONE).encode()).decode()
    head = f"{first}\nFrom: A <a@b.c>\nSubject: [PATCH] one\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n"
    made, series = mails(tree, tmp_path, f"{head}\n{body}")
    assert [one.subject for one in series.steps] == ["one"]
    assert contents(made, series, 0) == ONE


@pytest.mark.parametrize("word", ["third", "dritte für", "=?utf-8?q?caf=C3=A9?="])
def test_a_series_of_which_a_part_is_missing_is_refused(word: str, tree: Path, tmp_path: Path) -> None:
    box = mail("[PATCH 1/3] first", patch(MM, BEFORE, ONE)) + mail(f"[PATCH v2 3/3] {word}", patch(MM, ONE, TWO))
    with pytest.raises(Problem, match="the series says it has 3 patches, and 2 must be there, too"):
        mails(tree, tmp_path, box)


def test_a_file_without_a_patch_beside_one_that_has_is_refused(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="mail1: there must be a patch in it, and there is none"):
        mails(tree, tmp_path, patch(MM, BEFORE, ONE), "hello\n")

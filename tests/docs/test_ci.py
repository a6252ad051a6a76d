"""The recipes for CI are YAML that says what bitspec takes; tests/lift/test_gate.py runs those for a kernel tree."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

import cli

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "ci.md").read_text()
HOOKS = {one["id"]: one for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}


def recipes() -> dict[str, Any]:
    """The YAML blocks, by the headings they are under."""
    found = re.findall(r"^## (.*?)\n.*?```yaml\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
    return {heading: yaml.safe_load(text) for heading, text in found}


def scripts() -> dict[str, str]:
    """What the recipes run, without what installs."""
    made = recipes()
    github = [step["run"] for step in made["GitHub"]["jobs"]["gate"]["steps"] if "run" in step]
    gitlab = made["GitLab"]["page tables"]
    return {"GitHub": github[-1], "GitLab": "\n".join(gitlab["script"]), "pre-commit": HOOKS["bitspec-gate"]["entry"]}


def calls() -> list[str]:
    """Every line of the page, and of the hooks, that calls bitspec."""
    texts = [*scripts().values(), HOOKS["bitspec-proposal"]["entry"], *re.findall(r"^    (.*bitspec .*)$", PAGE, re.MULTILINE)]
    found = [match for text in texts for match in re.findall(r"\bbitspec (?:gate|check|diff)[^|>;'\n]*", text)]
    assert len(found) >= 5
    return found


@pytest.mark.parametrize("call", calls())
def test_the_options_exist(call: str) -> None:
    words = [word for word in shlex.split(call)[1:] if word != "||" and word != "exit"]
    result = CliRunner().invoke(cli.main, [*words, "--help"])
    assert result.exit_code == 0, result.output
    options = {word for word in words if word.startswith("--")}
    assert all(option in result.output for option in options)


def test_the_page_installs_what_the_gate_needs() -> None:
    from bitspec.lift.tree import TOOLS

    for name in ("GitHub", "GitLab"):
        block = re.search(rf"^## {name}\n.*?```yaml\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
        assert block is not None
        assert "bitspec-pgtable[kernel]" in block[1]
        assert all(tool in block[1] for tool in TOOLS)


def test_the_hooks_of_the_page_are_those_there_are() -> None:
    assert {hook["id"] for repository in recipes()["pre-commit"]["repos"] for hook in repository["hooks"]} == set(HOOKS)


def test_the_hooks_install_what_the_extra_does() -> None:
    import tomllib

    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["kernel"]
    assert HOOKS["bitspec-gate"]["additional_dependencies"] == extra


@pytest.mark.parametrize(("name", "status"), [("arm64-trans-huge-refactor", 0), ("arm64-relayout-offset-11", 1)])
def test_the_hook_for_proposals(name: str, status: int) -> None:
    """As pre-commit calls it: the entry, and the files after it."""
    entry = shlex.split(HOOKS["bitspec-proposal"]["entry"].replace("bitspec gate", f"{shlex.quote(sys.executable)} {shlex.quote(str(ROOT / 'cli.py'))} gate"))
    file = f"tests/proposals/{name}.toml"
    assert re.search(HOOKS["bitspec-proposal"]["files"], file)
    done = subprocess.run([*entry, file], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == status, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_are_told_of_every_command(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.shell_completion import get_completion_class

    assert f"_BITSPEC_COMPLETE={shell}_source bitspec" in PAGE
    known = get_completion_class(shell)
    assert known is not None
    offered = {one.value for one in known(cli.main, {}, "bitspec", "_BITSPEC_COMPLETE").get_completions([], "")}
    assert {"check", "gate", "diff", "baseline", "fit", "matrix"} <= offered

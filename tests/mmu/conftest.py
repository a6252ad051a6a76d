"""The tests here need the emulator, but for the one of its absence."""

import pytest

from bitspec.mmu.emulator import EmulatorMissing, unicorn


@pytest.fixture(autouse=True)
def _emulator(request):
    if request.function.__name__.startswith("test_without"):
        return
    try:
        unicorn()
    except EmulatorMissing as reason:
        pytest.skip(str(reason))


@pytest.fixture
def few(monkeypatch):
    """Without the pairs of bits, which take longer than a test may."""
    monkeypatch.setattr("bitspec.mmu.values.structured", lambda facts, on: iter(on))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    """An architecture may need another emulator than unicorn."""
    try:
        return (yield)
    except EmulatorMissing as reason:
        pytest.skip(str(reason))

"""How to compile arm64's headers, and what is known of the symbols its helpers depend on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from archs.arm64.hardware import VARIANTS
from bitspec.lift.target import AsmRule, Target, Unit

_PAGES: Final = {12: "ARM64_4K_PAGES", 14: "ARM64_16K_PAGES", 16: "ARM64_64K_PAGES"}


def _options() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {"": ("ARM64_POE", "ARM64_MTE", "ARM64_BTI")}
    for name, granule in VARIANTS.items():
        bits = granule.address_bits
        others = tuple(f"-{one}" for one in (*_PAGES.values(), *(f"ARM64_{kind}_BITS_{size}" for kind in ("VA", "PA") for size in (48, 52))))
        found[name] = (*others, _PAGES[granule.shift], f"ARM64_VA_BITS_{bits}", f"ARM64_PA_BITS_{bits}")
    return found


def _pins(variant: str) -> Mapping[str, int]:
    return {}


TARGET: Final = Target(
    arch="arm64",
    triple="aarch64-linux-gnu",
    defconfig="defconfig",
    options=_options(),
    units=(),
    asm=(AsmRule(r"^\s*mrs\s+\$0, (\w+)", "register", "mrs_{}"),),
    pins=_pins,
)

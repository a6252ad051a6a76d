"""C: macros and helpers of the first answer, to be pasted into that kernel's header."""

from __future__ import annotations

from bitspec.fitted import Answer, Outcome, Placement


def render(one: Outcome) -> str:
    """The first answer as a block of C; where there is none, a comment that says why."""
    if not one.answers:
        words, reasons = ("nothing fits", one.infeasible) if one.unknown is None else ("unknown", (one.unknown,))
        lines = [f"/* {one.asked}", " *", f" * {words}:", *[f" *   {reason}" for reason in reasons], " */"]
        return "\n".join(lines) + "\n"
    answer = one.answers[0]
    counts = ", ".join(f"{number} {name}" for name, number in answer.counts.items() if number)
    lines = ["/*", f" * {one.asked}", f" * bitspec: {counts}", " */", "", *_macros(answer), ""]
    for change in answer.changes:
        lines += [change.text, ""]
    return "\n".join(lines)


def _macros(answer: Answer) -> list[str]:
    rows = []
    for place in answer.placements:
        if place.status == "kept":
            continue
        comment = f"{place.status}, {place.where} entry" + (f", was at {place.was}" if place.was else "") + (f", {place.note}" if place.note else "")
        rows += [(name, value, comment if not index else "") for index, (name, value) in enumerate(_values(place))]
    wide = max((len(name) for name, _, _ in rows), default=0)
    return [f"#define {name:{wide}} {value}" + (f"\t/* {comment} */" if comment else "") for name, value, comment in rows]


def _values(place: Placement) -> list[tuple[str, str]]:
    low = (place.mask & -place.mask).bit_length() - 1
    count = place.mask.bit_count()
    if count == 1:
        return [(place.name, f"{place.mask:#x}UL")]
    if place.mask >> low == (1 << count) - 1:
        return [(f"{place.name}_SHIFT", str(low)), (f"{place.name}_BITS", str(count)), (f"{place.name}_MASK", f"{place.mask:#x}UL")]
    return [(f"{place.name}_MASK", f"{place.mask:#x}UL")]

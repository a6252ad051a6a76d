"""Fields and views: where bits are, whose they are, and what makes a view malformed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitspec import fields
from bitspec.expr import const, var
from bitspec.fields import Field, LayoutError, Numbering, Owner, View, acts, ignored, reserved, software, view
from bitspec.read.as_int import evaluate

SWAP = view("swap", software("type", (6, 2), "swap type"), software("offset", (15, 8)), software("exclusive", 1), reserved("valid", 0), width=16)


# Malformed views, a sentence each


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: view("swap", software("B", 5), software("A", (7, 3)), width=8), "A at 7:3 overlaps B at 5:5 in the swap view"),
        (lambda: view("leaf", acts("B", (5, 4)), acts("A", [(7, 6), 5]), width=8), "A at 7:6,5:5 overlaps B at 5:4 in the leaf view"),
        (lambda: view("leaf", acts("A", 8), width=8), "A at 8:8 must lie inside 8 bits of the leaf view"),
        (lambda: view("leaf", acts("A", (3, 5)), width=8), "A at 3:5 must lie inside 8 bits of the leaf view"),
        (lambda: view("leaf", acts("A", -1), width=8), "A at -1:-1 must lie inside 8 bits of the leaf view"),
        (lambda: view("leaf", acts("A", [(5, 3), 4]), width=8), "A must not overlap itself at 5:3,4"),
        (lambda: view("leaf", acts("A", 1), acts("A", 2), width=8), "A must be named once, not twice, in the leaf view"),
        (lambda: SWAP["kind"], "the swap view must have a field 'kind' to use it; it has type, offset, exclusive, valid"),
        (lambda: view("leaf", acts("A", [7, 2]), width=8)["A"].shift, "A must be in one piece to have a shift, not in 2"),
    ],
)
def test_diagnostic(build, sentence):
    with pytest.raises(LayoutError) as caught:
        build()
    assert str(caught.value) == sentence


def test_every_fault_is_found():
    made = View("leaf", 8, (Field("A", ((3, 0),), Owner.SOFTWARE), Field("B", ((3, 3),), Owner.SOFTWARE), Field("B", ((9, 9),), Owner.SOFTWARE)))
    assert list(made.faults()) == [
        "B at 3:3 overlaps A at 3:0 in the leaf view",
        "B at 9:9 must lie inside 8 bits of the leaf view",
        "B must be named once, not twice, in the leaf view",
    ]
    assert not list(SWAP.faults())


def test_a_field_moved_out_of_the_entry_is_a_fault():
    made = SWAP.but(SWAP["exclusive"].moved(-5))
    first, *_ = made.faults()
    assert first == "exclusive at -4:-4 must lie inside 16 bits of the swap view"


# Views


def test_fields_by_name_and_position():
    assert [one.name for one in SWAP] == ["type", "offset", "exclusive", "valid"]
    assert "type" in SWAP
    assert "kind" not in SWAP
    assert SWAP.owner(2) == SWAP["type"] == SWAP.owner(6)
    assert SWAP.owner(7) is None
    assert (SWAP["type"].mask, SWAP["type"].width, SWAP["type"].shift) == (0x7C, 5, 2)


def test_owners():
    made = view("x", acts("a", 0), reserved("b", 1), ignored("c", 2), software("d", 3), width=4)
    assert [one.owner for one in made] == [Owner.HARDWARE, Owner.RESERVED, Owner.IGNORED, Owner.SOFTWARE]


def test_views_are_values():
    again = view("swap", software("type", (6, 2), "swap type"), software("offset", (15, 8)), software("exclusive", 1), reserved("valid", 0), width=16)
    assert again == SWAP
    assert eval(repr(SWAP), vars(fields).copy()) == SWAP


def test_but_replaces_by_name_and_is_not_checked():
    moved = SWAP.but(SWAP["exclusive"].moved(7))
    assert moved["exclusive"].spans == ((8, 8),)
    assert [one.name for one in moved] == [one.name for one in SWAP]
    assert list(moved.faults()) == ["exclusive at 8:8 overlaps offset at 15:8 in the swap view"]
    assert SWAP["exclusive"].spans == ((1, 1),)
    assert SWAP.but(Field("unknown", ((7, 7),), Owner.SOFTWARE)) == SWAP


# Numbering


def test_msb0_is_converted_where_it_is_read():
    made = view("leaf", acts("I", 58), acts("frame", (0, 51)), acts("split", [52, (60, 61)]), width=64, numbering=Numbering.MSB0)
    assert made["I"].spans == ((5, 5),)
    assert made["frame"].spans == ((63, 12),)
    assert made["split"].spans == ((11, 11), (3, 2))
    assert made["I"].where(64, Numbering.MSB0) == "58"
    assert made["frame"].where(64, Numbering.MSB0) == "0:51"
    assert made["split"].where(64, Numbering.MSB0) == "52,60:61"
    assert made["frame"].where(64) == "63:12"


@given(st.sampled_from(Numbering), st.integers(1, 128), st.data())
def test_conversion_is_its_own_inverse(numbering, width, data):
    index = data.draw(st.integers(0, width - 1))
    assert numbering.position(numbering.position(index, width), width) == index
    assert 0 <= numbering.position(index, width) < width


# Values in and out


@st.composite
def scattered(draw):
    """A field of some pieces, possibly inverted, in an entry of some width."""
    width = draw(st.sampled_from((8, 16, 64, 128)))
    edges = sorted(draw(st.sets(st.integers(0, width), min_size=2, max_size=6)))
    spans = [(high - 1, low) for low, high in zip(edges[::2], edges[1::2], strict=False)]
    return Field("f", tuple(draw(st.permutations(spans))), Owner.SOFTWARE, inverted=draw(st.booleans())), width


@given(scattered(), st.data())
def test_extract_reads_what_insert_wrote(made, data):
    one, width = made
    value, other = data.draw(st.integers(0, (1 << one.width) - 1)), data.draw(st.integers(0, (1 << width) - 1))
    entry = evaluate(one.insert(const(value, one.width), width), {})
    assert entry & ~one.mask == 0
    assert one.mask.bit_count() == one.width
    assert evaluate(one.extract(const(entry, width)), {}) == value
    mixed = entry | other & ~one.mask
    assert evaluate(one.extract(const(mixed, width)), {}) == value


@given(scattered(), st.integers(0, (1 << 64) - 1))
def test_insert_drops_what_does_not_fit(made, value):
    one, width = made
    entry = evaluate(one.insert(const(value, 64), width), {})
    assert evaluate(one.extract(const(entry, width)), {}) == value % (1 << one.width)


def test_split_field_most_significant_piece_first():
    one = view("x", software("f", [(1, 0), (7, 6)]), width=8)["f"]
    assert evaluate(one.insert(const(0b1101, 4), 8), {}) == 0b0100_0011
    assert evaluate(one.extract(var("e", 8)), {var("e", 8): 0b0100_0011}) == 0b1101


def test_inverted_field_of_zero_is_all_ones():
    one = view("x", software("f", (7, 4), inverted=True), width=8)["f"]
    assert evaluate(one.insert(const(0, 4), 8), {}) == 0xF0


def test_moved():
    one = Field("f", ((7, 6), (2, 2)), Owner.SOFTWARE)
    assert one.moved(8).spans == ((15, 14), (10, 10))
    assert one.moved(-2).spans == ((5, 4), (0, 0))
    assert one.moved(3).moved(-3) == one

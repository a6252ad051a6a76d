"""Functions of C and IR as expressions, held against the same functions run on this machine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from bitspec.expr import FALSE, TRUE, Expr, eq, var
from bitspec.lift.native import compile_native, disagreement
from bitspec.lift.problem import Unliftable
from bitspec.lift.target import AsmRule, Instructions
from bitspec.lift.translate import Outcome, Rules
from bitspec.read.as_int import evaluate
from bitspec.read.as_known import decided
from tests.lift.toy import ir_of, outcome

pytest.importorskip("llvmlite")
pytest.importorskip("ziglang")


def run(found: Outcome, *arguments: int) -> int:
    given = dict(zip(found.params, arguments, strict=True))
    return evaluate(found.value, given)


# The differential test: C of every kind of operation, and random C.

PIECES = """
typedef unsigned long u; typedef unsigned int w; typedef long s; typedef unsigned char c;
u f_shift(u a, u b) { return (a << (b & 63)) ^ (a >> (b & 31)); }
s f_sar(s a, u b) { return a >> (b & 63); }
u f_divide(u a, u b) { return b ? a / b + a % b : 7; }
u f_signed(s a, s b) { return a < b ? a - b : b - a; }
u f_narrow(w a, w b) { return (w)(a + b) * (u)b; }
u f_bytes(u a) { return (c)a + (signed char)(a >> 8) + (short)(a >> 16); }
u f_swap(u a) { return __builtin_bswap64(a) ^ __builtin_bswap32((w)a); }
u f_count(u a, u b) { return __builtin_popcountl(a & b) + __builtin_parityl(a); }
u f_rotate(u a, u b) { return (a << (b & 63)) | (a >> (-b & 63)); }
u f_rotate_by(u a) { return (a << 13) | (a >> 51); }
u f_least(u a, u b) { u m = a < b ? a : b; s n = (s)a > (s)b ? (s)a : (s)b; return m ^ (u)n; }
u f_absolute(s a) { return a < 0 ? -(u)a : a; }
u f_branch(u a, u b) { if (a & 1) { if (b & 2) return a + b; return a - b; } return (a ^ b) | 5; }
u f_switch(u a, u b) { switch (a & 7) { case 0: return b; case 1: return b * 3; case 5: return ~b; case 6: return b + a; default: return 9; } }
static const u table[8] = { 3, 1, 4, 1, 5, 9, 2, 6 };
u f_table(u a) { return table[a & 7]; }
u f_clear(u a) { u x = a; if (x & 16) x &= ~0x40ul; else x |= 0x80; if (x & 64) x ^= a >> 3; return x; }
u f_truth(u a) { return (a & 0x181) != 0 && !(a & 2); }
static u inner(u a, u b);
u f_struct(u a) { struct { u x, y; } p = { a, ~a }; if (a & 4) p.x = 8; volatile u z = p.x; return z + p.y; }
u f_multiply(u a, u b) { return a * b + (u)((w)a * (w)b); }
u f_saturated(u a, u b) { u r; return __builtin_add_overflow(a, b, &r) ? -1ul : r; }
"""
NAMES = [line.split("(")[0].split()[-1] for line in PIECES.splitlines() if " f_" in line.split("(")[0]]


@pytest.fixture(scope="module")
def pieces(tmp_path_factory: pytest.TempPathFactory) -> str:
    return ir_of(PIECES.replace("static u inner(u a, u b);\n", ""), tmp_path_factory.mktemp("pieces"), "-fwrapv")


@pytest.mark.parametrize("name", NAMES)
def test_an_expression_is_what_the_function_does(pieces: str, name: str) -> None:
    found = outcome(pieces, name)
    native = compile_native(pieces).function(name)
    if native is None:
        assert name == "f_table"  # it needs a variable of the module
        assert [run(found, index) for index in range(8)] == [3, 1, 4, 1, 5, 9, 2, 6]
    else:
        assert disagreement(found, native) is None


def _random_c(chance: random.Random, depth: int) -> str:
    if depth == 0:
        return chance.choice(["a", "b", f"{chance.getrandbits(chance.choice([3, 8, 40, 64])):#x}ul"])
    one, two, three = (_random_c(chance, depth - 1) for _ in range(3))
    return chance.choice([
        f"({one} + {two})", f"({one} - {two})", f"({one} & {two})", f"({one} | {two})", f"({one} ^ {two})", f"(~{one})", f"({one} * {two})",
        f"({one} << ({two} & 63))", f"({one} >> ({two} & 63))", f"((u)((s){one} >> ({two} & 63)))", f"({one} < {two} ? {two} : {three})",
        f"((s){one} <= (s){two} ? {three} : {one})", f"((u)(w){one})", f"((u)(signed char){one})", f"(({two} & 3) == 2 ? {one} : {three})",
        f"__builtin_bswap64({one})", f"({one} / ({two} | 1))", f"({one} % ({two} | 1))",
    ])  # fmt: skip


def test_random_functions_agree_with_this_machine(tmp_path: Path) -> None:
    chance = random.Random(6120)
    lines = ["typedef unsigned long u; typedef long s; typedef unsigned int w;"]
    lines += [f"u r{number}(u a, u b) {{ return {_random_c(chance, 3)}; }}" for number in range(80)]
    text = ir_of("\n".join(lines), tmp_path, "-fwrapv")
    native = compile_native(text)
    for number in range(80):
        function = native.function(f"r{number}")
        assert function is not None
        assert disagreement(outcome(text, f"r{number}"), function, count=100) is None, lines[number + 1]


# Poison

PREFIX = "define i64 @f(i64 %a, i64 %b) {\n"


@pytest.mark.parametrize(
    ("body", "bad", "good"),
    [
        ("%r = add nuw i64 %a, %b", (2**64 - 1, 1), (2**63, 5)),
        ("%r = add nsw i64 %a, %b", (2**63 - 1, 1), (2**64 - 1, 1)),
        ("%r = sub nuw i64 %a, %b", (1, 2), (2, 1)),
        ("%r = sub nsw i64 %a, %b", (2**63, 1), (1, 2)),
        ("%r = mul nuw i64 %a, %b", (2**63, 2), (2**62, 2)),
        ("%r = mul nsw i64 %a, %b", (2**62, 2), (2**64 - 1, 5)),
        ("%r = shl i64 %a, %b", (1, 64), (1, 63)),
        ("%r = shl nuw i64 %a, %b", (3, 63), (1, 63)),
        ("%r = shl nsw i64 %a, %b", (1, 63), (1, 62)),
        ("%r = lshr exact i64 %a, %b", (3, 1), (2, 1)),
        ("%r = ashr i64 %a, %b", (1, 200), (1, 0)),
        ("%r = or disjoint i64 %a, %b", (3, 1), (2, 1)),
        ("%r = udiv i64 %a, %b", (1, 0), (1, 1)),
        ("%r = udiv exact i64 %a, %b", (3, 2), (4, 2)),
        ("%t = trunc nuw i64 %a to i8\n%r = zext i8 %t to i64", (256, 0), (255, 0)),
        ("%t = trunc nsw i64 %a to i8\n%r = sext i8 %t to i64", (128, 0), (2**64 - 1, 0)),
        ("%t = trunc i64 %a to i8\n%r = zext nneg i8 %t to i64", (128, 0), (127, 0)),
        ("%c = icmp ult i64 %a, %b\ncall void @llvm.assume(i1 %c)\n%r = add i64 %a, 0", (2, 1), (1, 2)),
        ("%p = add nuw i64 %a, %b\n%c = icmp eq i64 %a, 0\n%r = select i1 %c, i64 7, i64 %p", (2**64 - 1, 1), (0, 5)),
    ],
)
def test_what_llvm_leaves_undefined_is_followed(body: str, bad: tuple[int, int], good: tuple[int, int]) -> None:
    found = outcome(f"declare void @llvm.assume(i1)\n{PREFIX}{body}\nret i64 %r\n}}\n", "f")
    assert evaluate(found.undefined, dict(zip(found.params, bad, strict=True))) == 1
    assert evaluate(found.undefined, dict(zip(found.params, good, strict=True))) == 0


def test_freeze_makes_a_value_of_poison() -> None:
    found = outcome(PREFIX + "%p = add nuw i64 %a, %b\n%f = freeze i64 %p\n%z = and i64 %f, 0\nret i64 %z\n}\n", "f")
    assert decided(found.undefined) is False
    assert decided(eq(found.value, 0)) is True


def test_memory_that_was_never_written_is_undefined() -> None:
    found = outcome(PREFIX + "%m = alloca i64\n%r = load i64, ptr %m\nret i64 %r\n}\n", "f")
    assert found.undefined is TRUE


@pytest.mark.parametrize(("declared", "call"), [("void @llvm.trap()", "void @llvm.trap()"), ("void @panic(ptr, ...)", "void (ptr, ...) @panic(ptr null)")])
def test_a_trap_is_no_undefined_behaviour(declared: str, call: str) -> None:
    body = "%c = icmp eq i64 %a, 0\nbr i1 %c, label %no, label %yes\nno:\ncall CALL\nunreachable\nyes:\nret i64 %b\n}\n"
    found = outcome(f"declare {declared}\n{PREFIX}{body.replace('CALL', call)}", "f")
    assert found.undefined is FALSE
    assert found.stops == eq(var("arg0", 64), 0)


# What is outside the helper

KEYS = """
struct key { int enabled; void *entries; };
extern struct key key;
extern unsigned long size;
static inline __attribute__((always_inline)) _Bool likely_(struct key *k, const _Bool branch) {
    asm goto("1: nop\\n.pushsection __jump_table, \\"aw\\"\\n.quad 1b, %l[yes], %c0 + %c1\\n.popsection" : : "i"(k), "i"(branch) : : yes);
    return 0;
yes:
    return 1;
}
unsigned long unlikely_key(unsigned long a) { return likely_(&key, 0) ? a : 0; }
unsigned long likely_key(unsigned long a) { return !likely_(&key, 1) ? a : 0; }
unsigned long global_one(unsigned long a) { return a & (size - 1); }
unsigned long global_two(unsigned long a) { return a | size; }
unsigned long reg(void) { unsigned long v; asm volatile("mrs %0, tcr_el1" : "=r"(v)); return v; }
unsigned long other(void) { unsigned long v; asm volatile("rdtsc" : "=a"(v)); return v; }
unsigned long hidden(unsigned long a) { asm("" : "=r"(a) : "0"(a)); return a; }
unsigned long barrier(unsigned long a) { asm volatile("mfence" : : : "memory"); return a; }
"""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> str:
    return ir_of(KEYS, tmp_path_factory.mktemp("keys"), "-fno-pie", "-mcmodel=kernel")


def test_a_static_key_is_one_truth_value_whatever_its_expected_direction(keys: str) -> None:
    one, two = outcome(keys, "unlikely_key"), outcome(keys, "likely_key")
    assert one.symbols == two.symbols == (var("key.key", 1),)
    for found in (one, two):
        assert [evaluate(found.value, {found.params[0]: 5, found.symbols[0]: on}) for on in (0, 1)] == [0, 5]


def test_a_global_variable_is_one_symbol_for_all_helpers(keys: str) -> None:
    assert outcome(keys, "global_one").symbols == outcome(keys, "global_two").symbols == (var("size", 64),)


def test_a_register_is_a_symbol_where_a_rule_says_so(keys: str) -> None:
    assert outcome(keys, "reg", Rules((AsmRule(r"^mrs \$0, (\w+)", "register", "mrs_{}"),))).value is var("mrs_tcr_el1", 64)


def test_assembly_of_known_instructions_is_computed(tmp_path: Path) -> None:
    """A sequence with a replacement, of which one output is undefined without it: what is built of that is, too."""
    known = Instructions({"mov": "copy", "or": "or"}, {}, 13, {".replaced": "patched"})
    text = """
    static inline unsigned long mark(unsigned long a, unsigned long *b) {
        unsigned long other;
        asm volatile("1: or %0, %3, %0\\n.section .replaced\\n.word 1b\\nmov %3, %1\\n.previous" : "=r"(a), "=r"(other) : "0"(a), "i"(4));
        *b = other;
        return a;
    }
    unsigned long first(unsigned long a) { unsigned long b; return mark(a, &b); }
    unsigned long second(unsigned long a) { unsigned long b; mark(a, &b); return b; }
    """
    ir = ir_of(text, tmp_path)
    first, second = (outcome(ir, name, Rules(instructions=known)) for name in ("first", "second"))
    patched = var("patched", 1)
    assert [evaluate(first.value, {first.params[0]: 8, patched: on}) for on in (0, 1)] == [12, 8]
    assert not any(evaluate(first.undefined, {first.params[0]: 8, patched: on}) for on in (0, 1))
    assert evaluate(second.value, {second.params[0]: 8, patched: 1}) == 4
    assert [evaluate(second.undefined, {second.params[0]: 8, patched: on}) for on in (0, 1)] == [1, 0]
    with pytest.raises(Unliftable):
        outcome(ir, "first")


def test_what_initialisation_writes_is_followed_and_not_assumed(tmp_path: Path) -> None:
    text = """
    static unsigned long one = 3; unsigned long *leak = &one;
    unsigned long stored(unsigned long a) { one = a; return one; }
    unsigned long found(unsigned long a) { return one; }
    unsigned long perhaps(unsigned long a) { if (a == 1) one = 7; return one; }
    """
    ir, rules = ir_of(text, tmp_path), Rules(written=frozenset({"one"}))
    with pytest.raises(Unliftable):
        outcome(ir, "stored")
    stored, found, perhaps = (outcome(ir, name, rules) for name in ("stored", "found", "perhaps"))
    assert stored.value is stored.params[0]
    assert found.value is var("one", 64)
    assert [evaluate(perhaps.value, {perhaps.params[0]: a, var("one", 64): 9}) for a in (0, 1)] == [9, 7]


def test_the_same_assembly_with_other_numbers_is_another_symbol(tmp_path: Path) -> None:
    text = 'unsigned long f(void) { unsigned long a, b; asm("li %0, %1" : "=r"(a) : "i"(3)); asm("li %0, %1" : "=r"(b) : "i"(4)); return a ^ b; }'
    found = outcome(ir_of(text, tmp_path), "f", Rules((AsmRule(r"^li", "register", "number"),)))
    assert {one.attr for one in found.symbols} == {"number.3", "number.4"}


@dataclass(frozen=True)
class Masked:
    """The second operand, without the bits of the first."""

    def __call__(self, operands: Sequence[Expr]) -> Expr:
        mask, value = operands
        return value & ~mask


def test_assembly_yields_what_the_rule_computes(tmp_path: Path) -> None:
    text = 'unsigned long f(unsigned long a) { asm("bic %0, %0, %1" : "+r"(a) : "i"(0xf0UL)); return a | 1; }'
    found = outcome(ir_of(text, tmp_path), "f", Rules((AsmRule(r"^bic", "computed", "", compute=Masked()),)))
    assert evaluate(found.value, {found.params[0]: 0x1FF}) == 0x10F
    assert not found.symbols


def test_assembly_nobody_knows_makes_the_helper_unknown(keys: str) -> None:
    with pytest.raises(Unliftable, match="rdtsc"):
        outcome(keys, "other")


def test_hidden_values_and_barriers_are_seen_through(keys: str) -> None:
    assert outcome(keys, "hidden").value is var("arg0", 64)
    assert outcome(keys, "barrier").value is var("arg0", 64)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("u f(u a) { u n = 0; while (a) { n += a & 3; a = a * a >> 7; } return n; }", "a loop"),
        ("extern u g(u); u f(u a) { return g(a) + 1; }", r"call of g\(\), which is defined in another file"),
        ("extern u x; u f(u a) { x = a; return a; }", "store i64"),
        ("u f(u a) { return (u)((double)a * 1.5); }", "fmul|uitofp"),
        ("u f(u a) { return *(u *)a; }", "load i64"),
    ],
)
def test_what_cannot_be_translated_is_named(body: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(Unliftable, match=why):
        outcome(ir_of(f"typedef unsigned long u; {body}", tmp_path), "f")

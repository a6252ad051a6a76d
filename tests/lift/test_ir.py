from __future__ import annotations

import pytest

from bitspec.lift import ir

pytest.importorskip("llvmlite")


def test_a_block_may_be_called_like_an_instruction() -> None:
    head = "define i64 @f(i64 %a) {\nentry:\n switch i64 %a, label %switch.edge [\n i64 1, label %callbr.x\n ]\n"
    text = f"{head}switch.edge:\n ret i64 2\ncallbr.x:\n ret i64 3\n}}\n"
    function = ir.parse(text).function("f")
    assert function is not None
    assert list(function.blocks) == ["entry", "switch.edge", "callbr.x"]


def test_parameters_without_names_are_numbered() -> None:
    function = ir.parse("define i64 @f(i64 %0, i64 %1) {\n %3 = add i64 %0, %1\n ret i64 %3\n}\n").function("f")
    assert function is not None
    assert [name for name, _ in function.params] == ["0", "1"]
    assert list(function.blocks) == ["2"]


def test_return_attributes_are_no_parameters() -> None:
    function = ir.parse("define dso_local noundef range(i64 0, 2) i64 @f(i64 noundef %a) local_unnamed_addr {\n ret i64 %a\n}\n").function("f")
    assert function is not None
    assert function.result == ir.Int(64)
    assert function.params == (("a", ir.Int(64)),)


def test_structures_are_laid_out_as_in_c() -> None:
    module = ir.parse("%s = type { i8, i32, i16, i64, [3 x i16] }\n@x = global %s zeroinitializer\n")
    variable = module.variable("x")
    assert variable is not None
    assert isinstance(variable.type, ir.Struct)
    assert module.offsets(variable.type) == [0, 4, 8, 16, 24, 30]
    assert module.size(variable.type) == 32


def test_constant_tables_are_read() -> None:
    variable = ir.parse('@t = internal constant [3 x i8] c"a\\00\\22"\n').variable("t")
    assert variable is not None
    assert variable.constant
    assert isinstance(variable.value, ir.Aggregate)
    assert [each.value for each in variable.value.elements] == [ir.Number(97), ir.Number(0), ir.Number(34)]


def test_an_instruction_that_cannot_be_read_is_kept_as_unknown() -> None:
    function = ir.parse("define i64 @f(ptr %p) {\n %r = atomicrmw add ptr %p, i64 1 seq_cst\n ret i64 %r\n}\n").function("f")
    assert function is not None
    assert function.blocks["0" if "0" in function.blocks else next(iter(function.blocks))][0].opcode == "unknown"


def test_what_is_no_ir_is_a_problem() -> None:
    from bitspec.lift.problem import Problem

    with pytest.raises(Problem, match="llvmlite does not take clang's IR"):
        ir.parse("define nothing")

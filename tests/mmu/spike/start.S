# Starts guest.c, and accesses memory as user mode: a fault becomes the result.
.section .text.start
.globl _start
_start:
	la sp, stack
	la t0, fault
	csrw mtvec, t0
	call run

.align 2
fault:
	csrr a0, mcause
	la t1, back
	csrw mepc, t1
	li t2, 0x1800 # MPP = M
	csrs mstatus, t2
	mret
back:
	li t2, 0x20000 # MPRV
	csrc mstatus, t2
	ret

.macro access name, instruction:vararg
.globl \name
\name:
	mv a2, a0
	li a0, 0
	li t0, 0x1800 # MPP = U
	csrc mstatus, t0
	li t0, 0x20000
	csrs mstatus, t0
	\instruction
	csrc mstatus, t0
	sd a4, 0(a1)
	ret
.endm
access load, ld a4, 0(a2)
access amo, amoor.d a4, zero, (a2)

.data
.align 3
.globl entries, entries_end
entries:
.incbin "entries.bin"
entries_end:

.bss
.align 4
.space 4096
stack:

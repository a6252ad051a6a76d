# Puts one entry after the other into its slot, and loads, stores and fetches through it in user mode: see mmu.py for the mailbox, to which s0 points.
# The handlers are those of arch/loongarch/mm/tlbex.S, restated without what finds the entry. Where an access may lead, nothing but a break is found.
#
# s1 slot, s2 entry, s3 1 in a directory, s4 what an entry of a table in the minefield is, s5 exceptions so far, s6 log2 of the page size, s7 of a huge page's
# half, s8 the access: 0 load, 1 store, 2 fetch; a0 the address.
.section .text
.globl _start
_start:
	li.d	$t0, 0x9000000000000019
	csrwr	$t0, 0x180
	li.w	$t0, 0xb0
	csrwr	$t0, 0x0
	li.d	$s0, 0x9000000008010000
	b	main

.org 0x128
mark:
	break	0
	break	0

main:
	csrwr	$zero, 0x4
	la.pcrel	$t0, exception
	csrwr	$t0, 0xc
	la.pcrel	$t0, refill
	bstrins.d	$t0, $zero, 63, 48
	csrwr	$t0, 0x88
	la.pcrel	$t0, mark
	ld.d	$a1, $t0, 0
	ld.d	$t0, $s0, 48
	ld.d	$s6, $s0, 48
	csrwr	$t0, 0x1e		# STLBPS
	slli.d	$t0, $s6, 24
	csrwr	$t0, 0x10		# TLBIDX.PS
	ld.d	$t0, $s0, 56
	csrwr	$t0, 0x1c
	ld.d	$t0, $s0, 64
	csrwr	$t0, 0x1d
	ld.d	$s7, $s0, 72		# a huge page's half: PS
	ld.d	$s4, $s0, 80		# mine
	ld.d	$t0, $s0, 88
	csrwr	$t0, 0x19		# PGDL
	csrwr	$zero, 0x18
	csrwr	$zero, 0x11
loop:
	ld.d	$t0, $s0, 0
	ld.d	$t1, $s0, 8
	beq	$t0, $t1, loop
	dbar	0
	ld.d	$s2, $s0, 16		# entry
	ld.d	$s1, $s0, 24		# slot
	ld.d	$s3, $s0, 32		# 1: in a directory
	ld.d	$a0, $s0, 40		# virtual
	ld.d	$s8, $s0, 104		# the first access
next:
	st.d	$s2, $s1, 0
	invtlb	0, $zero, $zero
	move	$s5, $zero
	move	$t1, $a0
	li.w	$t2, 2
	beq	$s8, $t2, go
	la.pcrel	$t1, user_load
	beqz	$s8, go
	la.pcrel	$t1, user_store
go:
	csrwr	$t1, 0x6
	ld.d	$t0, $s0, 96		# PRMD: the privilege
	csrwr	$t0, 0x1
	ertn

user_load:
	ld.d	$a2, $a0, 0
	syscall	0
user_store:
	st.d	$a1, $a0, 0
	syscall	0

.org 0x1000
exception:
	csrrd	$t0, 0x5
	bstrpick.d	$t0, $t0, 21, 16
	addi.d	$s5, $s5, 1
	li.w	$t1, 8
	bltu	$t1, $s5, fault
	li.w	$t1, 1
	beq	$t0, $t1, load
	li.w	$t1, 3
	beq	$t0, $t1, load
	li.w	$t1, 2
	beq	$t0, $t1, store
	li.w	$t1, 4
	beq	$t0, $t1, modify
	li.w	$t1, 7
	bgeu	$t1, $t0, fault
	move	$t0, $zero
fault:
	slli.d	$t1, $s8, 4
	add.d	$t1, $t1, $s0
	st.d	$t0, $t1, 128
	ld.d	$t0, $s1, 0
	st.d	$t0, $t1, 136
	addi.d	$s8, $s8, 1
	ld.d	$t0, $s0, 112		# and where to end
	bltu	$s8, $t0, again
	dbar	0
	ld.d	$t0, $s0, 0
	st.d	$t0, $s0, 8
	b	loop
again:
	b	next

load:
	ld.d	$t1, $s1, 0
	andi	$t2, $t1, 0x80
	beqz	$t2, fault
	ori	$t1, $t1, 1
	b	update
store:
	ld.d	$t1, $s1, 0
	andi	$t2, $t1, 0x180
	xori	$t2, $t2, 0x180
	bnez	$t2, fault
	ori	$t1, $t1, 0x203
	b	update
modify:
	ld.d	$t1, $s1, 0
	andi	$t2, $t1, 0x100
	beqz	$t2, fault
	ori	$t1, $t1, 0x203
update:
	st.d	$t1, $s1, 0
	bnez	$s3, huge
	b	page

.org 0x1128
	break	0
	break	0
page:
	tlbsrch
	move	$t1, $s1
	bstrins.d	$t1, $zero, 3, 3
	ld.d	$t0, $t1, 0
	ld.d	$t1, $t1, 8
	csrwr	$t0, 0x12
	csrwr	$t1, 0x13
	tlbwr
	ertn
huge:
	invtlb	0, $zero, $zero		# no older entry is left; the kernel's invtlb leaves global ones
	bstrpick.d	$t2, $t1, 12, 12	# G of a huge page
	bstrins.d	$t1, $t2, 6, 6	# takes the place of H
	move	$t2, $t1
	csrwr	$t2, 0x12
	li.w	$t2, 1
	sll.d	$t2, $t2, $s7
	add.d	$t1, $t1, $t2
	csrwr	$t1, 0x13		# the other half
	slli.d	$t2, $s7, 24
	csrwr	$t2, 0x10		# TLBIDX.PS
	tlbfill
	slli.d	$t2, $s6, 24
	csrwr	$t2, 0x10
	ertn

.org 0x2000
refill:
	csrrd	$t0, 0x1b
	lddir	$t0, $t0, 3
	lddir	$t0, $t0, 1
	ldpte	$t0, 0
	ldpte	$t0, 1
	beqz	$s3, fill
	csrrd	$t0, 0x8e
	andi	$t0, $t0, 0x3f
	bne	$t0, $s6, fill
	move	$t0, $s4
	csrwr	$t0, 0x8c
	move	$t0, $s4
	csrwr	$t0, 0x8d
fill:
	tlbfill
	ertn
.org 0x2128
	break	0
	break	0

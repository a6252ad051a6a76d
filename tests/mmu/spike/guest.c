/*
 * Puts every entry of a list into a page table of each level, and accesses the address it maps as user mode would (mstatus.MPRV with MPP = U).
 * The answers, two bytes each, are the signature that spike writes to a file: see tests/mmu/test_spike.py for what they mean.
 *
 * MODE is satp.MODE, ENVCFG the value of menvcfg.
 */
typedef unsigned long u64;
typedef unsigned char u8;

extern const u64 entries[], entries_end[];
extern u8 begin_signature[];
u64 load(u64 address, u64 *value); /* the cause of the fault, or 0 */
u64 amo(u64 address, u64 *value);  /* a store that changes nothing: amoor of 0 */

volatile u64 tohost __attribute__((section(".tohost"), aligned(64)));
volatile u64 fromhost __attribute__((section(".tohost"), aligned(64)));

#define FRAME 0x80000000UL /* aligned at every level */
#define OFFSET 0x407128UL  /* of the access, within a gigabyte: index 2 of a level 1 table, 7 of a level 0 table */
#define MINE (FRAME >> 12 << 10 | 0xdf)
#define TABLE(name) static u64 name[512] __attribute__((aligned(4096)))

TABLE(level4);
TABLE(level3);
TABLE(level2);
TABLE(level1);
TABLE(level1_of_level1);
TABLE(level0);

static u64 pointer(const u64 *table)
{
	return (u64)table >> 12 << 10 | 1;
}

/* 0 a page fault, 1 another one, 2 to 4 an entry of one of the three tables of mines, 6 and 7 the two marked places, 255 anything else. */
static u8 told(u64 cause, u64 value)
{
	if (cause)
		return cause == 13 || cause == 15 ? 0 : 1;
	if ((value & ~0x300UL) == MINE)
		return 2 + (value >> 8 & 3);
	return value == 0x1111 ? 6 : value == 0x2222 ? 7 : 255;
}

/* What frames 0, 1 and 8 hold is a table, if an entry leads there: full of leaves that differ in RSW. */
static void lay_mines(void)
{
	static const u64 frames[] = { 0, 1, 8 };

	for (int place = 0; place < 3; place++)
		for (int index = 0; index < 512; index++)
			((volatile u64 *)(FRAME + (frames[place] << 12)))[index] = MINE | (u64)place << 8;
	*(volatile u64 *)(FRAME + 0x7128) = 0x1111;
	*(volatile u64 *)(FRAME + OFFSET) = 0x2222;
}

static void finish(u64 status)
{
	tohost = status;
	for (;;)
		;
}

void run(void)
{
	u64 *root = MODE == 8 ? level2 : MODE == 9 ? level3 : level4;
	u64 above = MODE == 8 ? 0 : MODE == 9 ? 1UL << 39 : 1UL << 48 | 1UL << 39;
	u64 satp = (u64)MODE << 60 | (u64)root >> 12, found;
	u64 *slots[] = { &level0[7], &level1_of_level1[2], &level2[3] };
	u8 *out = begin_signature;

	lay_mines();
	level4[1] = pointer(level3);
	level3[1] = pointer(level2);
	level2[1] = pointer(level1);
	level1[2] = pointer(level0);
	level2[2] = pointer(level1_of_level1);
	asm volatile("csrw 0x30a, %0" : : "r"(ENVCFG));
	asm volatile("csrw pmpaddr0, %0; csrw pmpcfg0, %1" : : "r"(~0UL), "r"(0x1fUL));
	asm volatile("csrw satp, %0; csrr %1, satp" : "=&r"(satp), "=r"(found) : "0"(satp));
	if (found != satp)
		finish(3);
	for (int level = 0; level < 3; level++)
		for (const u64 *entry = entries; entry < entries_end; entry++)
			for (int store = 0; store < 2; store++) {
				u64 address = above | (u64)(level + 1) << 30 | OFFSET, value = 0, cause, written;

				*(volatile u64 *)slots[level] = *entry;
				asm volatile("sfence.vma" : : : "memory");
				cause = store ? amo(address, &value) : load(address, &value);
				written = *(volatile u64 *)slots[level] ^ *entry;
				*out++ = told(cause, value);
				*out++ = (written >> 6 & 3) | (written & ~0xc0UL ? 0x80 : 0);
			}
	finish(1);
}

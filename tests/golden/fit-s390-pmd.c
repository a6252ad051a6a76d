/*
 * s390@linux-6.12 --level pmd --need type:5 --need pfn --need soft_dirty
 * bitspec: 581 proved, 31 known, 463 not-applicable
 */

#define _SEGMENT_ENTRY_SWP_SOFT_DIRTY 0x1UL	/* new, swap entry, overlays _SEGMENT_ENTRY_READ of a mapped entry */
#define SWP_TYPE_MASK                 0x3c2UL	/* new, swap entry */
#define SWP_OFFSET_SHIFT              11	/* new, swap entry */
#define SWP_OFFSET_BITS               52
#define SWP_OFFSET_MASK               0x7ffffffffffff800UL

static inline int pmd_present(pmd_t pmd)
{
	return (pmd_val(pmd) != 0x20) && ((pmd_val(pmd) & 0x420) != 0x20);
}

static inline int pmd_swp_soft_dirty(pmd_t pmd)
{
	return (pmd_val(pmd) & 1) != 0;
}

static inline pmd_t pmd_swp_mksoft_dirty(pmd_t pmd)
{
	return __pmd(pmd_val(pmd) | 1);
}

static inline pmd_t pmd_swp_clear_soft_dirty(pmd_t pmd)
{
	return __pmd(pmd_val(pmd) & 0xfffffffffffffffeUL);
}

static inline swp_entry_t __pmd_to_swp_entry(pmd_t pmd)
{
	return __swp_entry((u64)(((u8)((pmd_val(pmd) >> 6) & 0xf) << 1) | (u8)((pmd_val(pmd) >> 1) & 1)), (u64)((pmd_val(pmd) >> 11) & 0xfffffffffffffUL));
}

static inline pmd_t __swp_entry_to_pmd(swp_entry_t entry)
{
	return __pmd((((u64)(__swp_offset(entry) & 0xfffffffffffffUL) << 0xbUL) | (((u64)(((__swp_type(entry) & 0x1f) >> 1) & 0xf) << 6UL) | ((u64)((__swp_type(entry) & 0x1f) & 1) << 1UL))) | 0x20);
}

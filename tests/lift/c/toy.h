/* A kernel of our own, for tests: what the wrappers need of one, and nothing of Linux. */
typedef unsigned long u64;
typedef unsigned int u32;
typedef unsigned short u16;
typedef unsigned char u8;
typedef struct { u64 pte; } pte_t;
typedef struct { u64 pmd; } pmd_t;
typedef struct { u64 pud; } pud_t;
typedef struct { u64 pgprot; } pgprot_t;
typedef struct { u64 val; } swp_entry_t;
struct mm_struct { int unused; };
struct vm_area_struct { u64 vm_flags; };
#define pte_val(x) ((x).pte)
#define pmd_val(x) ((x).pmd)
#define pud_val(x) ((x).pud)
#define pgprot_val(x) ((x).pgprot)
#define __pte(x) ((pte_t){ (x) })
#define __pmd(x) ((pmd_t){ (x) })
#define __pud(x) ((pud_t){ (x) })
#define __pgprot(x) ((pgprot_t){ (x) })
#define true 1
#define false 0

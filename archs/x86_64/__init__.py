"""x86-64: IA-32e paging with 4 and 5 levels."""

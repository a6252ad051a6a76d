"""C-SKY: an MMU that refills its TLB from the kernel's tables, by bits of its own beside the kernel's."""

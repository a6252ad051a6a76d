"""Alpha: the page tables of OSF/1 PALcode."""

"""Nios II: a TLB that software fills with the entry as it is."""

"""m68k: the Motorola MMUs, which walk tables; ColdFire and Sun-3, whose maps software fills."""

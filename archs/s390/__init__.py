"""s390: z/Architecture dynamic address translation, 64 bit."""

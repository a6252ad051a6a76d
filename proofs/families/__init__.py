"""The claims, one module a family.  A new claim is a new function in one of them, or in a new one."""

"""Output formats of ``diff`` and ``gate``: ``text`` for people, ``json`` for programs.  The other formats of ``check`` render a gate's report."""

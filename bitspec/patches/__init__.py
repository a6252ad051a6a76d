"""Kernel trees at a revision, and what a series of patches makes of them.

``git`` asks git, and writes nothing but a scratch folder; ``series`` makes steps of commits or of mails; ``needed`` says which files of a tree matter to
lifting, and to its configuration.  A patch is a stranger's: nothing in it is run, and it is applied to an index of our own, never to files.
"""

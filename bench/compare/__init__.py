"""Whether two runs differ: ``python -m bench compare OLD NEW``, and the baseline file that a CI holds new runs to."""

"""A lender's history on the real system twice, once in peace and once while its parts are killed and stopped.

`make soak-chaos` runs it; what both runs leave has to be the same.
"""

"""The loop against other frameworks: the same fold and the same SQL on the same topic, one after the other in one run.

Each module is one contender, run as a program of its own; `__main__` measures. What each guarantees stands beside its
figure, since that is most of the difference.
"""

"""The business metrics: each defined once, as data, from which its SQL, the catalogue and the dictionary are made."""

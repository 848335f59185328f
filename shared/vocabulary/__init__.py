"""The words every service shares: pure values, standard library only."""

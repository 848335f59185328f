"""Who may be contacted, when and how often: pure decisions over values, no clock and no I/O."""

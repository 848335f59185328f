"""Cases, strategies and decisions as pure functions of facts and dates: no clock, no I/O."""

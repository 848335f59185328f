"""Strategy: owns cases, strategies, treatments, promises and holds; sends nothing."""

"""What every service process is made of apart from its own rules: settings, clock, database, HTTP shell, life cycle."""

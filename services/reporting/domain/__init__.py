"""What reporting works out by itself, pure: which day a status counts in, which stages a contact has reached."""

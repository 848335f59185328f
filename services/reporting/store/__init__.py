"""Every statement of the reporting store, by what it serves: statuses, accounts, contacts, closing days, reading."""

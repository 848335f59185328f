"""Every statement of the contact service, one module for each thing kept."""

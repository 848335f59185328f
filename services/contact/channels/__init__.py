"""How a message leaves: one port a channel, the real providers and a fake behind it, and how it went."""

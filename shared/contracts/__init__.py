"""The wire contracts: every event of every topic as one pydantic model, and the CloudEvents envelope around them."""

"""A synthetic lender's year on a real local system: facts in, contacts out, checked and reported.

Everything is seen and done through the same doors that others have: Kafka, HTTP and what arrives at the providers.
"""

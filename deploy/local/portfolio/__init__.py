"""A synthetic lender: customers, accounts and what they do over the months, published as core banking would.

Everything is a pure function of the seed (and, where services answer, of what debtors are told), so that the same
seed gives the same facts. Nothing here knows how the services work.
"""

"""Identifiers that follow from what they name, so that doing the same work again gives the same ones."""

from hashlib import blake2b

_DIGEST_BYTES = 12


def case_id(customer_id: str, number: int) -> str:
    """The customer's n-th case; cases count from 1."""
    return _identifier("case", customer_id, str(number))


def treatment_id(case: str, step: str, sequence: int) -> str:
    """The n-th time a case took a step."""
    return _identifier("treatment", case, step, str(sequence))


def contact_id(treatment: str) -> str:
    """The one contact a treatment asks for."""
    return _identifier("contact", treatment)


def hold_id(customer_id: str, number: int) -> str:
    """The n-th hold of a customer, where whoever asked for it gave no id."""
    return _identifier("hold", customer_id, str(number))


def _identifier(kind: str, *parts: str) -> str:
    # Hashed, because a customer id may already fill all the length an id has.
    digest = blake2b("\x1f".join(parts).encode(), digest_size=_DIGEST_BYTES, person=kind.encode())
    return f"{kind}-{digest.hexdigest()}"

"""A channel without a provider, for tests and rehearsals. It keeps its promises as strictly as the real ones."""

from collections import Counter
from dataclasses import dataclass, field

from services.contact.channels.port import Handed, Message, Went


@dataclass
class FakeChannel:
    """Remembers each token once. `goes` says how the next sends go; without it they are accepted."""

    keeps_record: bool = True
    goes: list[Went] = field(default_factory=list)
    received: dict[str, Message] = field(default_factory=dict)
    requests: Counter[str] = field(default_factory=Counter)

    async def send(self, message: Message) -> Handed:
        """Take the message, or not, as told."""
        went = self.goes.pop(0) if self.goes else Went.ACCEPTED
        if went in (Went.NOT_SENT, Went.LATER):
            return Handed(went, reason=f"fake_{went}")
        self.requests[message.token] += 1
        if went is Went.REFUSED:
            return Handed(went, reason="fake_refused")
        self.received.setdefault(message.token, message)
        if went is Went.UNKNOWN:
            return Handed(went, reason="fake_answer_lost")
        return Handed(Went.ACCEPTED, provider_id=f"fake-{message.token}")

    async def find(self, token: str) -> Handed:
        """What became of it, if this fake keeps a record."""
        if not self.keeps_record:
            return Handed(Went.UNKNOWN, reason="fake_cannot_say")
        if token not in self.received:
            return Handed(Went.NOT_SENT, reason="fake_never_got_it")
        return Handed(Went.ACCEPTED, provider_id=f"fake-{token}")

    async def close(self) -> None:
        """Nothing to let go of."""

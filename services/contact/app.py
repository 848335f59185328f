"""Puts the contact service together; the tests compose the same parts."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from fastapi import APIRouter

from services.contact import api, consumer, packs, worker
from services.contact.call_queue import CallQueue
from services.contact.channels.email import SmtpEmail
from services.contact.channels.port import Channel
from services.contact.channels.sms import TwilioSms
from services.contact.claim import Claims
from services.contact.dispatch import Dispatcher
from services.contact.gatekeeper import Gatekeeper
from services.contact.messages import Composer
from services.contact.providers import ReceiptReader
from services.contact.rendering import Templates
from services.contact.resolve import Resolver
from services.contact.settings import ContactSettings
from services.contact.store import contacts
from services.contact.store.sql import reading
from services.contact.worker import Worker
from shared.messaging import retry
from shared.runtime.service import Context, Service

CHANNELS = ("sms", "email")
RESOLVABLE = ("sms",)

log = structlog.get_logger()


@dataclass
class ContactService:
    """The parts of one process that belong together."""

    settings: ContactSettings
    gatekeeper: Gatekeeper = field(init=False)
    claims: Claims = field(init=False)
    _wakes: list[Dispatcher] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gatekeeper = Gatekeeper(packs.read_rules(self.settings.rules_file))
        composer = Composer(Templates(self.settings.templates_folder), self.settings.lender_name)
        self.claims = Claims(self.gatekeeper, composer)

    def declared(self) -> Service:
        """The service's declaration."""
        return Service(
            name="contact",
            streams=[consumer.customers(self.gatekeeper, self.wake)],
            router=self.router,
            background=[self.dispatch],
            pending=pending,
        )

    def wake(self) -> None:
        """Tell this process's dispatcher, if it has one, that there may be work."""
        for dispatcher in self._wakes:
            dispatcher.wake()

    def router(self, context: Context) -> APIRouter:
        """The service's own routes."""
        settings = self.settings
        reader = ReceiptReader(
            str(settings.sms_callback_url),
            settings.sms_auth_token.get_secret_value(),
            signature_required=settings.environment != "local",
        )
        queue = CallQueue(self.gatekeeper, timedelta(minutes=settings.lease_minutes))
        return api.router(api.Parts(context.engine, context.commands, queue, reader, CHANNELS))

    async def dispatch(self, context: Context, stop: asyncio.Event) -> None:
        """Send and resolve until stopped; after a lost database, start over as a new worker."""
        waits = retry.backoff_s()
        async with AsyncExitStack() as stack:
            channels = self.channels()
            for channel in channels.values():
                stack.push_async_callback(channel.close)
            while not stop.is_set():
                try:
                    async with worker.registered(context.engine) as registered:
                        waits = retry.backoff_s()
                        await self._run(context, channels, registered, stop)
                except Exception as error:
                    if not _is_passing(error):
                        raise
                    log.warning("dispatcher_waits", error=type(error).__name__)
                    await retry.sleep_unless(stop, next(waits))

    def channels(self) -> Mapping[str, Channel]:
        """The real providers."""
        settings = self.settings
        sms = TwilioSms(
            url=str(settings.sms_url), account_sid=settings.sms_account_sid,
            auth_token=settings.sms_auth_token.get_secret_value(), sender=settings.sms_from,
            callback_url=str(settings.sms_callback_url), timeout_s=settings.send_timeout_s,
            connections_max=settings.sends_concurrent_max,
        )  # fmt: skip
        email = SmtpEmail(
            host=settings.smtp_host, port=settings.smtp_port, sender=settings.email_from,
            timeout_s=settings.send_timeout_s, connections_max=min(4, settings.sends_concurrent_max),
        )  # fmt: skip
        return {"sms": sms, "email": email}

    async def _run(
        self, context: Context, channels: Mapping[str, Channel], registered: Worker, stop: asyncio.Event
    ) -> None:
        settings = self.settings
        dispatcher = Dispatcher(
            engine=context.engine, commands=context.commands, clock=context.clock, claims=self.claims,
            channels=channels, batch_max=settings.dispatch_batch_max, concurrent_max=settings.sends_concurrent_max,
            poll_s=settings.dispatch_poll_s,
        )  # fmt: skip
        resolver = Resolver(
            engine=context.engine, commands=context.commands, channels=channels, interval_s=settings.resolve_interval_s
        )
        self._wakes.append(dispatcher)
        try:
            async with asyncio.TaskGroup() as tasks:
                resolving = tasks.create_task(resolver.run(registered, stop))
                await dispatcher.run(registered, stop)
                resolving.cancel()
        finally:
            self._wakes.remove(dispatcher)


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_passing(one) for one in error.exceptions)
    return retry.is_passing(error)


async def pending(context: Context) -> Mapping[str, int]:
    """What keeps the service from being quiet, at the clock's present instant."""
    async with reading(context.engine) as connection:
        return await contacts.pending(connection, CHANNELS, RESOLVABLE, context.clock.now())


def compose(settings: ContactSettings) -> Service:
    """The service for these settings."""
    return ContactService(settings).declared()

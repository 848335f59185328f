"""Publishes a whole synthetic history at once: `python -m deploy.local.portfolio --bootstrap host:port`."""

import asyncio
from datetime import date, datetime
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from deploy.local.portfolio.calendar import business_day_closed
from deploy.local.portfolio.lender import Lender
from deploy.local.portfolio.publish import Publisher
from deploy.local.portfolio.writer import Record


def main(
    bootstrap: Annotated[str, typer.Option(help="host:port of a Kafka broker")],
    customers: Annotated[int, typer.Option(min=1)] = 5_000,
    months: Annotated[int, typer.Option(min=1)] = 12,
    seed: int = 7,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"])] = datetime(2025, 1, 1),  # noqa: DTZ001  a date
    close: Annotated[bool, typer.Option(help="close each business day after its facts")] = True,
) -> None:
    """Publish a synthetic lender's facts, business day by business day; nobody pays because of a contact."""
    asyncio.run(publish(bootstrap, Lender(seed=seed, customers=customers, months=months, start=start.date()), close))


async def publish(bootstrap: str, lender: Lender, close: bool) -> None:
    """The next slice is made while the last one is on its way."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("days"))
    more = (TaskProgressColumn(), TextColumn("{task.fields[facts]:,} facts"), TimeElapsedColumn())
    async with Publisher(bootstrap) as publisher:
        with Progress(*columns, *more) as progress:
            bar = progress.add_task("publishing", total=len(lender.business_days), facts=0)
            sending: asyncio.Task[None] | None = None
            for part in lender.days():
                if sending is not None:
                    await sending
                closing = part.day if part.last and close else None
                sending = asyncio.create_task(_send(publisher, part.records, closing))
                await asyncio.sleep(0)
                progress.update(bar, advance=int(part.last), facts=publisher.published.total())
            if sending is not None:
                await sending
            progress.update(bar, facts=publisher.published.total())


async def _send(publisher: Publisher, records: list[Record], closing: date | None) -> None:
    await publisher.publish(records)
    if closing is not None:
        await publisher.publish([business_day_closed(closing)])


if __name__ == "__main__":
    typer.run(main)

"""The SMTP server and the SMS gateway in one process, as the local system runs them: half the memory and start-up."""

from typing import Annotated

import typer
import uvloop

from deploy.local.serving import LOOPBACK, serve_until_stopped
from deploy.local.sms_gateway import DEFAULT_UNDELIVERED, SmsGateway
from deploy.local.smtp import Inbox, listen


def main(
    smtp_port: Annotated[int, typer.Option()],
    smtp_http_port: Annotated[int, typer.Option()],
    sms_gateway_port: Annotated[int, typer.Option()],
    account_sid: Annotated[str, typer.Option(envvar="ARREARS_SMS_ACCOUNT_SID")],
    auth_token: Annotated[str, typer.Option(envvar="ARREARS_SMS_AUTH_TOKEN")],
    host: Annotated[str, typer.Option(help="address to listen on")] = LOOPBACK,
    undelivered: Annotated[str, typer.Option(help="numbers that end so never arrive")] = DEFAULT_UNDELIVERED,
) -> None:
    """Run both."""

    async def run() -> None:
        inbox, gateway = Inbox(), SmsGateway(account_sid, auth_token, undelivered)
        async with await listen(inbox, smtp_port, host):
            await serve_until_stopped({smtp_http_port: inbox.app(), sms_gateway_port: gateway.app()}, host)

    uvloop.run(run())


if __name__ == "__main__":
    typer.run(main)

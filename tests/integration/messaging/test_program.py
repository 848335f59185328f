"""A service as a program: killed, asked to stop, started without what it needs."""

import asyncio
import signal
import socket

from deploy.local.ports import free_port
from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import PARTITIONS, Rig, start_program
from tests.line import Line
from tests.waiting import until

EXIT_MISCONFIGURED = 78


async def _output_until(child: asyncio.subprocess.Process, word: str) -> str:
    assert child.stdout is not None
    seen = ""
    async with asyncio.timeout(60):
        while word not in seen:
            line = await child.stdout.readline()
            assert line, f"ended before saying {word}: {seen}"
            seen += line.decode()
    return seen


async def _ended(child: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(60):
        output, _ = await child.communicate()
    return output.decode()


async def test_sigkill_in_the_middle_loses_and_repeats_nothing(rig: Rig) -> None:
    slow = {"ARREARS_SLOW_MS": "20", "ARREARS_BATCH_RECORDS_MAX": "50"}
    publishing = asyncio.create_task(rig.publish([repayment(n) for n in range(1500)]))
    for n in range(2):
        child = await start_program(rig, **slow)
        await rig.applied(200 * (n + 1))
        child.kill()
        await _ended(child)
    await publishing
    last = await start_program(rig)
    await rig.assert_exact(1500)
    last.send_signal(signal.SIGTERM)
    assert '"event": "stopped"' in await _ended(last)
    assert last.returncode == 0


async def test_an_ended_process_gives_its_signal_back(rig: Rig) -> None:
    """Or what forks from where it ran could not be terminated."""
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    running = rig.start()
    await running.owns(PARTITIONS)
    assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    await running.stop()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_sigterm_finishes_the_batch_and_flushes_the_relay(rig: Rig) -> None:
    child = await start_program(rig, ARREARS_SLOW_MS="150", ARREARS_BATCH_RECORDS_MAX="100")
    await rig.publish([repayment(n) for n in range(1000)])
    await rig.applied(100)
    child.send_signal(signal.SIGTERM)
    output = await _ended(child)
    assert child.returncode == 0, output
    applied = await rig.effects()
    assert 0 < applied < 1000
    waiting = "SELECT 1 FROM shard JOIN relay USING (stream, partition) WHERE next_seq - 1 > relayed_seq"
    assert await rig.rows(waiting) == []
    assert len([one for one in await rig.out() if one.source.startswith(f"{rig.name}.tally")]) == applied


async def test_a_port_in_use_ends_the_start_with_one_line(rig: Rig) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        child = await start_program(rig, ARREARS_HTTP_PORT=str(taken.getsockname()[1]))
        output = await _ended(child)
    assert child.returncode == EXIT_MISCONFIGURED
    assert output.splitlines()[-1].startswith("misconfigured: ARREARS_HTTP_HOST, ARREARS_HTTP_PORT: cannot listen")
    assert "Traceback" not in output


async def test_a_simulated_clock_is_refused_outside_local(rig: Rig) -> None:
    child = await start_program(rig, ARREARS_CLOCK="simulated", ARREARS_ENVIRONMENT="production")
    assert "ARREARS_CLOCK=simulated needs ARREARS_ENVIRONMENT=local" in await _ended(child)
    assert child.returncode == EXIT_MISCONFIGURED


async def test_an_unreachable_broker_is_waited_for_and_stopping_then_works(rig: Rig) -> None:
    child = await start_program(rig, ARREARS_KAFKA_BOOTSTRAP=f"127.0.0.1:{free_port()}")
    output = await _output_until(child, "broker_unreachable")
    child.send_signal(signal.SIGTERM)
    output += await _ended(child)
    assert child.returncode == 0, output
    assert "Traceback" not in output


async def test_parts_that_come_late_are_waited_for(rig: Rig) -> None:
    door = free_port()
    child = await start_program(rig, ARREARS_DATABASE_URL=rig.database_url_through(door))
    await _output_until(child, "database_unreachable")
    async with Line().open(rig.database_address(), door):
        await _output_until(child, '"event": "ready"')
        await rig.publish([repayment(n) for n in range(10)])
        await until(rig.effects, "facts applied once the database is there")
        child.send_signal(signal.SIGTERM)
        output = await _ended(child)
    assert child.returncode == 0, output

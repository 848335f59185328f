"""Topics with another number of partitions than the service began with: nothing is applied in the wrong order."""

import asyncio

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions

from tests.integration.messaging.published import repayment
from tests.integration.messaging.rig import PARTITIONS, Rig, start_program
from tests.integration.messaging.tally import OUT, TOPICS

EXIT_MISCONFIGURED = 78


async def test_partitions_that_were_added_end_the_start_with_one_line(lone_rig: Rig) -> None:
    running = lone_rig.start()
    await lone_rig.publish([repayment(n) for n in range(50)])
    await lone_rig.assert_exact(50)
    await running.stop()
    admin = AIOKafkaAdminClient(bootstrap_servers=lone_rig.kafka)
    await admin.start()
    await admin.create_partitions({topic: NewPartitions(PARTITIONS + 2) for topic in (*TOPICS, OUT)})
    await admin.close()
    child = await start_program(lone_rig)
    output, _ = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode == EXIT_MISCONFIGURED
    assert "have 4 partitions, the service began with 2" in output.decode().splitlines()[-1]
    assert await lone_rig.rows("SELECT 1 FROM shard WHERE partition >= 2") == []

"""What Prometheus sees of upstreams and targets."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry

from gateway.proxy.breaker import State
from gateway.routes.upstream import Bounds, Ejection
from gateway.upstream_metrics import UpstreamMetrics
from tests.gateway.proxy.rig import holds
from tests.gateway.proxy.targets import GET, kill, pool, pooled, says_nothing, target, who


async def test_every_target_is_told_of(folder: Path) -> None:
    async with pooled(folder, 2, ejection=Ejection(3, 30.0, 30.0), bounds=Bounds(connections=1)) as rig:
        registry = CollectorRegistry()
        registry.register(UpstreamMetrics(lambda: rig.door.pools))

        def value(name: str, number: int | None = None, **labels: str) -> float | None:
            if number is not None:
                labels["target"] = f"unix:{rig.targets[number].path}"
            return registry.get_sample_value(f"munjigi_upstream_{name}", {"upstream": "origin", **labels})

        client = await rig.client()
        await who(client, 4)
        assert [value("answers_total", number) for number in (0, 1)] == [2, 2]
        assert [value("idle", number) for number in (0, 1)] == [1, 1]
        await kill(rig.targets[0])
        await who(client, 8)
        assert target(rig, 0).state is State.OPEN
        assert value("faults_total", 0, fault="connect") == 3
        assert value("ejections_total", 0) == 1
        assert [value("breaker", 0, state=state) for state in ("closed", "open", "half_open")] == [0, 1, 0]
        assert [value("breaker", 1, state=state) for state in ("closed", "open", "half_open")] == [1, 0, 0]
        assert value("answers_total", 1) == 10
        rig.targets[1].behaviour = says_nothing
        for _ in range(2):
            (await rig.client()).send(GET)
        await holds(lambda: len(pool(rig).waiting) == 1)
        assert value("outstanding", 1) == 1
        assert value("waiting") == 1
        assert value("retries_total") == 0
        assert value("retries_refused_total") == 0

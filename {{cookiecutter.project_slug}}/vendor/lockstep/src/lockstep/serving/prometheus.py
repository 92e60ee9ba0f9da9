"""GET /metrics: what the server does, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .messages import Reply

if TYPE_CHECKING:
    from .engine import Engine
    from .monitoring_process import MonitoringProcess
    from .request_store import RequestStore

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
VERSION = ("model", "version")


class Measures:
    """What is counted: requests by route, rows by version, and how the versions are."""

    def __init__(self, engine: Engine, store: RequestStore, monitoring: MonitoringProcess) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "lockstep_requests",
            "Requests that were answered.",
            ("route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "lockstep_request_seconds",
            "From the head of a request to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._rows = Counter(
            "lockstep_rows",
            "Rows that got a prediction, or were refused since they break the contract.",
            (*VERSION, "result"),
            registry=self.registry,
        )
        self.registry.register(_State(engine, store, monitoring))
        ProcessCollector(registry=self.registry)

    def count_rows(self, reply: Reply) -> None:
        """Count what a version answered."""
        refusals = sum("errors" in answer for answer in reply.answers)
        predictions = len(reply.answers) - refusals
        for result, count in (("predicted", predictions), ("refused", refusals)):
            if count:
                self._rows.labels(reply.model, reply.version, result).inc(count)


class Observation:
    """ASGI middleware that counts and times requests by the routes that answer them."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app, self._measures = app, measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = perf_counter(), 500

        async def send_and_look(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, send_and_look)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._measures.requests.labels(route, status).inc()
            self._measures.seconds.labels(route).observe(perf_counter() - start)


class _State(Collector):
    """How the versions and the store are, when they are looked at."""

    def __init__(self, engine: Engine, store: RequestStore, monitoring: MonitoringProcess) -> None:
        self._engine, self._store, self._monitoring = engine, store, monitoring

    def collect(self) -> Iterator[Metric]:
        ready = GaugeMetricFamily(
            "lockstep_version_ready", "Whether it can answer.", labels=(*VERSION, "run")
        )
        memory = GaugeMetricFamily(
            "lockstep_version_memory_bytes", "Of its processes.", labels=VERSION
        )
        waiting = GaugeMetricFamily(
            "lockstep_version_waiting", "Requests that wait for its answer.", labels=VERSION
        )
        dropped = CounterMetricFamily(
            "lockstep_version_dropped",
            "Requests that it was not asked as a shadow, since too many waited.",
            labels=VERSION,
        )
        deaths = CounterMetricFamily("lockstep_version_deaths", "Of its processes.", labels=VERSION)
        for version in self._engine.list_versions():
            names = (version.model, version.version)
            ready.add_metric((*names, version.run), version.state == "ready")
            waiting.add_metric(names, version.waiting)
            dropped.add_metric(names, version.dropped)
            deaths.add_metric(names, version.deaths)
            if version.memory is not None:
                memory.add_metric(names, version.memory)
        alarms = GaugeMetricFamily(
            "lockstep_version_alarms",
            "Things that have moved away from what it knows.",
            labels=(*VERSION, "role"),
        )
        for *subject, count in self._monitoring.alarms:
            alarms.add_metric(subject, count)
        yield from (ready, memory, waiting, dropped, deaths, alarms)
        if read_time := self._monitoring.read_time:
            yield GaugeMetricFamily(
                "lockstep_monitoring_read_timestamp_seconds",
                "When what watches the requests last read all of them, in Unix time.",
                value=read_time.timestamp(),
            )
        yield CounterMetricFamily(
            "lockstep_entries_dropped",
            "Answers that could not be kept, since the database was too slow or failed.",
            value=self._store.dropped,
        )


def make_metrics_routes(measures: Measures, monitoring: MonitoringProcess) -> APIRouter:
    """The route."""
    router = APIRouter()

    @router.get("/metrics", response_class=Response, summary="Measures for Prometheus")
    async def tell_metrics(request: Request) -> Response:
        monitoring.start()
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(measures.registry), media_type=content_type)

    return router

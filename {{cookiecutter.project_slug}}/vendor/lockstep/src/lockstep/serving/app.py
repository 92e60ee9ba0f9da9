"""The application: what is served over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from ..core.params import ServeParams
from .docs_page import make_docs_routes
from .head import HeadAsGet
from .health import make_health_routes
from .inference_protocol import make_inference_routes
from .limits import BodyLimits, Lingering
from .models_route import list_live, make_models_routes
from .monitoring_route import make_monitoring_routes
from .openapi import make_openapi
from .origins import OriginCheck
from .outcomes_route import make_outcomes_routes
from .page import make_page_routes
from .predict_route import make_predict_routes
from .prometheus import Measures, Observation, make_metrics_routes
from .refusals import add_refusals
from .request_ids import RequestIds
from .requests_route import make_requests_routes
from .tokens import TokenCheck, Tokens
from .tracing import has_exporter

if TYPE_CHECKING:
    from .engine import Engine
    from .monitoring_process import MonitoringProcess
    from .request_store import RequestStore


def make_app(
    engine: Engine,
    store: RequestStore,
    monitoring: MonitoringProcess,
    settings: ServeParams,
    tokens: Tokens | None,
) -> FastAPI:
    """All routes over what answers, keeps and watches, as long as the application runs.

    Args:
        engine: What answers.
        store: What keeps the answers.
        monitoring: What watches them.
        settings: The limits.
        tokens: Who may ask; None for whoever can.
    """

    @asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[None]:
        await engine.start()
        store.start()
        yield
        await monitoring.stop()
        await engine.stop()
        store.stop()

    # Its pages would load scripts from elsewhere.
    app = FastAPI(
        title="Models",
        lifespan=run,
        docs_url=None,
        redoc_url=None,
        telemetry={"auto_configure": has_exporter()},
    )
    measures = Measures(engine, store, monitoring)
    for router in (
        make_predict_routes(engine, store, settings, measures),
        make_models_routes(engine),
        make_inference_routes(engine, store, settings, measures),
        make_outcomes_routes(engine, store, settings),
        make_requests_routes(store),
        make_monitoring_routes(monitoring),
        make_page_routes(engine),
        make_docs_routes(app, engine),
        make_health_routes(engine),
        make_metrics_routes(measures, monitoring),
    ):
        app.include_router(router)
    add_refusals(app)
    app.openapi = lambda: make_openapi(app, list_live(engine), asks_tokens=tokens is not None)  # type: ignore[method-assign]
    # The last one sees a request first.
    app.add_middleware(BodyLimits, settings=settings)
    if tokens is not None:
        app.add_middleware(TokenCheck, tokens=tokens)
    app.add_middleware(OriginCheck, has_any_name=tokens is not None)
    app.add_middleware(RequestIds)
    app.add_middleware(Observation, measures=measures)
    app.add_middleware(Lingering)
    app.add_middleware(HeadAsGet)
    return app

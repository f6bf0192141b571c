"""`/ranking/models` and `/ranking/apps`. Source: spec 02 §2 (4.7)."""

from typing import Final

from quart import Response

from gatewayz.areas.rankings.service import RankingQuery, ranked_apps, ranked_models
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def rank_models(call: Call) -> Response:
    """The models used most in the last seven days, and how that changed."""
    query, catalog = read_query(RankingQuery), call.edition.catalog
    gateways = Gateways(call.edition.settings.providers, catalog)
    now = call.edition.clock.now()
    return json_response(await ranked_models(call.services.observation, gateways, catalog, query, now))


async def rank_apps(call: Call) -> Response:
    """The applications used most, of those that name themselves (`HTTP-Referer`, `X-Title`)."""
    query = read_query(RankingQuery)
    return json_response(await ranked_apps(call.services.apps, query, call.edition.clock.now()))


ROUTES: Final = (
    Route(method="GET", path="/ranking/models", handler=rank_models, guard="optional", query=RankingQuery),
    Route(method="GET", path="/ranking/apps", handler=rank_apps, guard="optional", query=RankingQuery),
)

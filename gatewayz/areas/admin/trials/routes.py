"""`/admin/trial`. Source: spec 07 §8 (cases 24.8.1 to 24.8.4)."""

from typing import Final

from quart import Response

from gatewayz.areas.admin.trials.schema import ConversionBody, UsersQuery
from gatewayz.areas.admin.trials.service import TrialReport, report
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.store.trial_records import TrialFilter
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def show_analytics(call: Call) -> Response:
    """Figures over all trials."""
    return json_response({"success": True, "analytics": (await _report(call)).analytics()})


async def list_users(call: Call) -> Response:
    """Users that have or had a trial."""
    query = read_query(UsersQuery)
    return json_response({"success": True, **(await _report(call, query.domain_filter)).users(query)})


async def analyse_domains(call: Call) -> Response:
    """Trials by mail domain, and which look like one person with many."""
    return json_response({"success": True, **(await _report(call)).domains()})


async def show_funnel(call: Call) -> Response:
    """How far trials went."""
    return json_response({"success": True, "funnel": (await _report(call)).funnel()})


async def analyse_cohorts(call: Call) -> Response:
    """Trials by the week they began in."""
    return json_response({"success": True, "cohorts": (await _report(call)).cohorts()})


async def analyse_addresses(call: Call) -> Response:
    """Trials by the address they were started from."""
    return json_response({"success": True, "ips": (await _report(call)).addresses()})


async def save_conversion(call: Call) -> Response:
    """Note that a user on trial has paid by another way; payments through the gateway do this by themselves."""
    user_id = (await read_json(ConversionBody)).user_id
    user = await call.services.store.users.find_user(user_id)
    if user is None:
        raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND", param="user_id")
    converted = await call.services.promotions.trials.convert(user, call.edition.settings.plans.trial)
    await call.services.authenticator.catch_up()
    trial = await call.services.promotions.trials.find(user_id)
    return json_response(
        {
            "success": True,
            "converted": converted,
            "user_id": user_id,
            "conversion_date": None if trial is None else trial.converted_at,
            "requests_at_conversion": None if trial is None else trial.requests_at_conversion,
            "tokens_at_conversion": None if trial is None else trial.tokens_at_conversion,
        }
    )


async def _report(call: Call, domain: str | None = None) -> TrialReport:
    accounts = await call.services.promotions.trials.list_accounts(TrialFilter(domain=domain))
    return report(accounts, call.edition.settings.plans.trial, call.services.clock.now())


ROUTES: Final = (
    Route(method="GET", path="/admin/trial/analytics", handler=show_analytics, guard="admin"),
    Route(method="GET", path="/admin/trial/users", handler=list_users, guard="admin", query=UsersQuery),
    Route(method="GET", path="/admin/trial/domain-analysis", handler=analyse_domains, guard="admin"),
    Route(method="GET", path="/admin/trial/conversion-funnel", handler=show_funnel, guard="admin"),
    Route(method="GET", path="/admin/trial/cohort-analysis", handler=analyse_cohorts, guard="admin"),
    Route(method="GET", path="/admin/trial/ip-analysis", handler=analyse_addresses, guard="admin"),
    Route(
        method="POST",
        path="/admin/trial/save-conversion-metrics",
        handler=save_conversion,
        guard="admin",
        body=ConversionBody,
    ),
)

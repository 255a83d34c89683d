"""The allow-list of request targets: byte for byte, nothing else exists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from casemate.gateway.errors import Refusal
from casemate.gateway.routes import METHODS, Route, find, require_method

ACCEPTED = {
    "/v1/chat/completions": Route.CHAT,
    "/v1/completions": Route.COMPLETIONS,
    "/v1/embeddings": Route.EMBEDDINGS,
    "/v1/models": Route.MODELS,
    "/v1/models/llama-3.1_8b:q4": Route.MODEL,
    "/v1/casemate/receipts/casemate-warden-0/1842": Route.RECEIPT,
    "/v1/casemate/receipts/casemate-warden-1/0": Route.RECEIPT,
}
REFUSED = [
    "/",
    "",
    "*",
    "/health",
    "/metrics",
    "/v1",
    "/v1/",
    "/V1/models",
    "/v1/models/",
    "//v1/models",
    "/v1//models",
    "/v1/./models",
    "/v1/../v1/models",
    "/v1/%6dodels",
    "/v1%2fmodels",
    "/v1/models/%2e%2e",
    "/v1/models/a%2Fb",
    "/v1/models/a/b",
    "/v1/models/..",
    "/v1/models/a..b",
    "/v1/models/a.",
    "/v1/models/.a",
    "/v1/models/" + "a" * 129,
    "/v1/casemate/receipts/",
    "/v1/casemate/receipts/casemate-warden-0",
    "/v1/casemate/receipts/casemate-warden-0/",
    "/v1/casemate/receipts/casemate-warden-0/01",
    "/v1/casemate/receipts/casemate-warden-0/-1",
    "/v1/casemate/receipts/casemate-warden-0/1/2",
    "/v1/casemate/receipts/casemate-warden-0/1?a",
    "/v1/casemate/receipts/../1",
    "/v1/casemate/receipts/a.b/1",
    "/v1/casemate/receipts/" + "a" * 64 + "/1",
    "/v1/casemate/receipts/a/" + "9" * 17,
    "/v1/models#x",
    "/v1/models;x",
    "/v1/models\\",
    "/v1/models\x00",
    "/v1/models\n",
    "http://engine/v1/models",
    "https://localhost/v1/models",
    "/v1/chat/completions/",
    "/v1/chat/completions.",
    "/v1/chat/completions%20",
]


@pytest.mark.parametrize(("target", "route"), ACCEPTED.items())
def test_a_listed_target_has_its_route(target: str, route: Route) -> None:
    assert find(target).route is route


@pytest.mark.parametrize("target", REFUSED)
def test_any_other_spelling_does_not_exist(target: str) -> None:
    with pytest.raises(Refusal) as caught:
        find(target)
    assert caught.value.status == 404


@pytest.mark.parametrize("target", ["/v1/models?a=1", "/v1/chat/completions?"])
def test_a_query_string_is_refused_and_said_so(target: str) -> None:
    with pytest.raises(Refusal, match="Query strings") as caught:
        find(target)
    assert caught.value.status == 400


@given(st.text(alphabet="/v1.%2efmodelschatn?#;\\:@ ", max_size=40))
def test_whatever_is_found_is_spelled_as_listed(target: str) -> None:
    try:
        found = find(target)
    except Refusal:
        return
    spelled = found.route.value.replace("{id}", found.model or found.record)
    assert spelled == target


@pytest.mark.parametrize("route", Route)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "get"])
def test_each_route_takes_exactly_one_method(route: Route, method: str) -> None:
    if method == METHODS[route]:
        require_method(route, method)
        return
    with pytest.raises(Refusal) as caught:
        require_method(route, method)
    assert caught.value.status == 405
    assert caught.value.headers == {"Allow": METHODS[route]}

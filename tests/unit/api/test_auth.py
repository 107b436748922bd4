from datetime import timedelta

import pytest

from modelyard_api.auth import Authenticator, Caller, Credentials, Right
from modelyard_api.cache import Caches
from modelyard_api.errors import ForbiddenError, UnauthorizedError
from modelyard_api.scopes import Scope
from unit.api import samples

READ = Right(Scope.READ, "get", "models")
SYSTEM_USER = "system:serviceaccount:team-a:ci"


class Reviews:
    """An API server that knows one token and one right."""

    def __init__(self, username: str) -> None:
        self.username = username

    async def identify(self, token: str) -> tuple[str, tuple[str, ...]] | None:
        return (self.username, ("system:authenticated",)) if token == "good" else None

    async def allowed(
        self, username: str, _groups: tuple[str, ...], namespace: str, right: Right
    ) -> bool:
        return bool(username) and namespace == "team-a" and right.verb == "get"


def authenticator(
    caches: Caches, username: str = SYSTEM_USER, served: frozenset[str] = frozenset()
) -> Authenticator:
    reviews = Reviews(username)
    return Authenticator(
        caches.keys,
        reviews,
        samples.OWN_NAMESPACE,
        served,
        lambda: samples.NOW,
    )


@pytest.mark.parametrize("field", ["key", "bearer"])
async def test_a_key_opens_in_either_header(field: str) -> None:
    caches = Caches()
    key = samples.add_key(caches)
    caller = await authenticator(caches).authenticate(Credentials(**{field: key}))
    assert caller.account == samples.ACCOUNT
    assert caller.user_id.startswith("user_")


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials(),
        Credentials(key="x"),
        Credentials(bearer="bad"),
        Credentials(key="good"),
        Credentials(key="bad", bearer="good"),
    ],
)
async def test_what_opens_nothing(credentials: Credentials) -> None:
    with pytest.raises(UnauthorizedError):
        await authenticator(Caches()).authenticate(credentials)


async def test_a_revoked_or_expired_key_opens_nothing() -> None:
    caches = Caches()
    expired = samples.add_key(caches, expires_at=samples.NOW - timedelta(seconds=1))
    revoked = samples.add_key(caches)
    key_id = revoked.split("_")[1]
    caches.keys.remove(samples.OWN_NAMESPACE, key_id, f"uid-{key_id}")
    for key in (expired, revoked):
        with pytest.raises(UnauthorizedError):
            await authenticator(caches).authenticate(Credentials(key=key))


async def test_a_key_opens_its_own_account_only() -> None:
    caches = Caches()
    key = samples.add_key(caches)
    for account in ("team-b", "no-such-namespace"):
        with pytest.raises(ForbiddenError):
            await authenticator(caches).authenticate(Credentials(key=key, account=account))


async def test_the_account_of_a_token() -> None:
    caches = Caches()
    by_default = await authenticator(caches).authenticate(Credentials(bearer="good"))
    assert by_default.account == "team-a"
    human = authenticator(caches, username="jane")
    named = await human.authenticate(Credentials(bearer="good", account="team-b"))
    assert named.account == "team-b"
    with pytest.raises(ForbiddenError, match="belongs to no namespace"):
        await human.authenticate(Credentials(bearer="good"))


@pytest.mark.parametrize("account", ["../kube-system", "team-a/secrets", "team-a?watch=1", "A", ""])
async def test_an_account_is_the_name_of_a_namespace(account: str) -> None:
    """It is put into paths; who may read everywhere must not read elsewhere by it."""
    human = authenticator(Caches(), username="jane")
    with pytest.raises(ForbiddenError):
        await human.authenticate(Credentials(bearer="good", account=account))


async def test_an_account_that_is_not_served() -> None:
    caches = Caches()
    key = samples.add_key(caches)
    with pytest.raises(ForbiddenError):
        await authenticator(caches, served=frozenset({"team-b"})).authenticate(Credentials(key=key))


async def test_scopes_of_a_key() -> None:
    caches = Caches()
    guard = authenticator(caches)
    caller = await guard.authenticate(Credentials(key=samples.add_key(caches, "predict")))
    with pytest.raises(ForbiddenError, match="lacks the scope 'read'"):
        await guard.authorize(caller, READ)


async def test_rights_of_a_token() -> None:
    guard = authenticator(Caches())
    caller = Caller(account="team-a", subject="token/x", username="x")
    await guard.authorize(caller, READ)
    with pytest.raises(ForbiddenError, match=r"may not delete models\.modelyard\.dev"):
        await guard.authorize(caller, Right(Scope.WRITE, "delete", "models"))


async def test_use_of_keys_is_told_once() -> None:
    caches = Caches()
    guard = authenticator(caches)
    key = samples.add_key(caches)
    await guard.authenticate(Credentials(key=key))
    assert guard.drain_used() == {key.split("_")[1]: samples.NOW}
    assert guard.drain_used() == {}

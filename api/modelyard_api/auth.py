"""Who calls, for which account, and whether they may.

A credential is an API key (either header) or a bearer token of Kubernetes. Keys are checked
against the watch cache of their Secrets, so that a revoked one stops within a watch's delay;
tokens are checked by the API server and believed for some seconds.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from modelyard_api.cache.objects import ObjectCache
from modelyard_api.errors import ForbiddenError, UnauthorizedError
from modelyard_api.keys import ApiKey, split
from modelyard_api.mapping.text import is_label
from modelyard_api.scopes import Scope
from modelyard_api.settings import DEFAULT_TIER
from modelyard_crds import names

log = logging.getLogger(__name__)

SERVICE_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True, slots=True)
class Right:
    """What a request needs: the scope of a key, or the verb on a resource for a token."""

    scope: Scope
    verb: str
    resource: str
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brings, as strings that nobody has checked."""

    key: str = ""
    bearer: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls and for which account."""

    account: str
    subject: str
    key: ApiKey | None = None
    groups: tuple[str, ...] = ()
    username: str = ""

    @property
    def tier(self) -> str:
        """The tier whose limits it has; tokens have the default."""
        return self.key.tier if self.key else DEFAULT_TIER

    @property
    def user_id(self) -> str:
        """The id REST shows for who made something."""
        return names.public_id("user", self.subject)


class Reviews(Protocol):
    """Asks the API server about tokens: ``access.TokenReviews``."""

    async def identify(self, token: str) -> tuple[str, tuple[str, ...]] | None:
        """User name and groups of a token."""

    async def allowed(
        self, username: str, groups: tuple[str, ...], namespace: str, right: Right, /
    ) -> bool:
        """Whether a user may do this in a namespace."""


class Authenticator:
    """Turns credentials into a caller, and says whether a caller may."""

    def __init__(
        self,
        keys: ObjectCache[ApiKey],
        reviews: Reviews,
        own_namespace: str,
        served_accounts: frozenset[str],
        now: Callable[[], datetime],
    ) -> None:
        self._keys = keys
        self._reviews = reviews
        self._namespace = own_namespace
        self._served = served_accounts
        self._now = now
        self._used: set[str] = set()

    async def authenticate(self, credentials: Credentials) -> Caller:
        """The caller of credentials; where a key is sent as such, it alone decides."""
        secret = credentials.key or credentials.bearer
        if not secret:
            raise UnauthorizedError(
                "The request has no credential.",
                suggestions=["Send the header 'x-api-key: KEY' or 'Authorization: Bearer KEY'."],
            )
        if parts := split(secret):
            caller = self._by_key(*parts)
        elif not credentials.key:
            caller = await self._by_token(credentials)
        else:
            raise _wrong()
        if credentials.account not in {"", caller.account}:
            raise ForbiddenError(
                f"The credential does not open account '{credentials.account}'.",
                suggestions=["Leave out X-Modelyard-Account, or use a key of that account."],
            )
        if self._served and caller.account not in self._served:
            raise ForbiddenError(f"Account '{caller.account}' is not served here.")
        return caller

    async def authorize(self, caller: Caller, right: Right) -> None:
        """Raise ForbiddenError where the caller has not the right."""
        if caller.key is not None:
            if right.scope.value not in caller.key.scopes:
                raise ForbiddenError(
                    f"The key lacks the scope '{right.scope}'.",
                    details={"scopes": sorted(caller.key.scopes), "needed": right.scope},
                    suggestions=[f"Use a key with the scope '{right.scope}'."],
                )
        elif not await self._reviews.allowed(caller.username, caller.groups, caller.account, right):
            target = f"{right.resource}/{right.subresource}".removesuffix("/")
            raise ForbiddenError(
                f"'{caller.username}' may not {right.verb} {target}.{names.GROUP} "
                f"in account '{caller.account}'.",
                suggestions=["Ask for a RoleBinding in that namespace."],
            )

    def still_opens(self, caller: Caller) -> bool:
        """Whether a key that a caller came with is neither revoked nor expired since."""
        if caller.key is None:
            return True
        key = self._keys.get(self._namespace, caller.key.key_id)
        return key is not None and key.holds(self._now)

    def drain_used(self) -> dict[str, datetime]:
        """Ids of the keys that were used since the last call, with the present time."""
        used, self._used = self._used, set()
        return dict.fromkeys(used, self._now())

    def _by_key(self, key_id: str, secret: str) -> Caller:
        key = self._keys.get(self._namespace, key_id)
        if key is None or not key.opens(secret, self._now):
            raise _wrong()
        self._used.add(key_id)
        return Caller(account=key.account, subject=f"key/{key_id}", key=key)

    async def _by_token(self, credentials: Credentials) -> Caller:
        identity = await self._reviews.identify(credentials.bearer)
        if identity is None:
            raise _wrong()
        username, groups = identity
        account = credentials.account
        if not account and username.startswith(SERVICE_ACCOUNT):
            account = username.removeprefix(SERVICE_ACCOUNT).partition(":")[0]
        if not account:
            raise ForbiddenError(
                f"'{username}' belongs to no namespace, so the account is not known.",
                suggestions=["Name the account with the header X-Modelyard-Account."],
            )
        if not is_label(account):
            # It becomes a part of paths: in the API server, in the store.
            raise ForbiddenError(
                "X-Modelyard-Account is no name of a namespace.",
                suggestions=["Name the account's namespace, such as 'team-a'."],
            )
        return Caller(
            account=account, subject=f"token/{username}", groups=groups, username=username
        )


def _wrong() -> UnauthorizedError:
    return UnauthorizedError(
        "The credential opens nothing: it is wrong, expired or revoked.",
        suggestions=["Check the key.", "Make a new one with POST /api-keys."],
    )

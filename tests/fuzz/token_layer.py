"""Tokens with good signatures that say odd things, to the check itself: with a secret, an issuer.

What the rules forbid is written here a second time, from the page for operators. A token that
breaks one of them must not be accepted, and no token may bring the check down.
"""

from __future__ import annotations

import dataclasses
import hmac
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from handlers.domain.errors import UnauthenticatedError, UnavailableError
from handlers.edge.auth.authenticator import Authenticator
from handlers.edge.auth.scopes import ADMIN_SCOPE
from tests.fuzz.handler_layer import BATCH, examples
from tests.support.http_events import JSON, NUMBERS, TEXT
from tests.support.issuer import ISSUER, OUR_RULES, SECRET, SHOP, Issuer, encoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from handlers.config import Settings
    from tests.fuzz.tally import Tally

Claims = Mapping[str, Any]

LAYER = "tokens"
NOW = int(time.time())
HOUR_S, DAY_S = 3600, 86_400
# A run of some minutes, and the leeway.
SLACK_S = HOUR_S
OFFSETS_S = (0, -HOUR_S, HOUR_S, -3 * HOUR_S, 3 * HOUR_S, DAY_S, 3 * DAY_S, -DAY_S)
MOMENTS = st.sampled_from([NOW + offset_s for offset_s in OFFSETS_S])
TIMES = MOMENTS | MOMENTS.map(float) | MOMENTS.map(str) | NUMBERS | JSON
OUR_NAMES = st.sampled_from([SHOP, ISSUER, SHOP + "/", "", "elsewhere", SHOP.upper()])
NAMES = OUR_NAMES | st.lists(OUR_NAMES, max_size=3) | JSON
SCOPES = st.sampled_from([ADMIN_SCOPE, f"a {ADMIN_SCOPE}", "coupon:administrator", "profile"])
TYPES = st.sampled_from(
    ["JWT", "at+jwt", "application/at+jwt", "AT+JWT", "dpop+jwt", "logout+jwt", "kb+jwt", "JWE"]
)
CLAIMS = {
    "sub": st.sampled_from(["7", "a b", ""]) | JSON,
    "exp": TIMES,
    "iat": TIMES,
    "nbf": TIMES,
    "iss": NAMES,
    "aud": NAMES,
    "client_id": NAMES,
    "scope": SCOPES | JSON,
    "scp": st.lists(SCOPES, max_size=3) | JSON,
    "permissions": st.lists(SCOPES | JSON, max_size=3) | JSON,
    "events": JSON,
    "jti": TEXT | JSON,
    "cnf": JSON,
}
HEADERS = {
    "typ": TYPES | JSON,
    "kid": st.sampled_from(["ec", "rsa", "unknown"]) | TEXT | JSON,
    "alg": st.sampled_from(["HS256", "ES256", "RS256", "none", "HS512"]) | JSON,
    "crit": JSON,
    "cty": JSON,
}


def _changes(parts: Mapping[str, st.SearchStrategy[Any]], max_size: int) -> Any:
    """Few at a time: a token with many odd parts is refused for the first of them."""
    one = st.one_of(*[st.tuples(st.just(name), values) for name, values in parts.items()])
    return st.lists(one, max_size=max_size).map(dict)


WITHOUT: st.SearchStrategy[frozenset[str]] = st.just(frozenset()) | st.frozensets(
    st.sampled_from(["sub", "exp", "iss", "aud"])
)
PARTS = st.tuples(_changes(HEADERS, 1), _changes(CLAIMS, 2), WITHOUT)


def run(requests: int, first_seed: int, settings: Settings, tally: Tally) -> Iterable[int]:
    """Check so many tokens, a batch at a time; yield their number after each batch."""
    done = 0
    issuer = Issuer()
    with issuer.served() as url:
        ours = dataclasses.replace(settings, token_rules=OUR_RULES, auth_jwt_secret=SECRET)
        theirs = dataclasses.replace(ours, auth_jwt_secret="", auth_jwks_url=url)
        kinds = (_Kind("HS256", _with_our_secret, ours), _Kind("ES256", _with_key(issuer), theirs))
        while done < requests:
            kind = kinds[done // BATCH % 2]
            batch = min(BATCH, requests - done)
            examples(batch, f"{first_seed}-{done}", lambda parts: kind.check(parts, tally), PARTS)  # noqa: B023 - called at once
            tally.blame(LAYER, "a good token", kind.faults_of_good_token())
            done += batch
            yield done


class _Kind:
    """One way of signing, and the authenticator that accepts it."""

    def __init__(self, algorithm: str, sign: Callable[[bytes], bytes], settings: Settings) -> None:
        self._header = {"alg": algorithm, "kid": "ec"}
        self._sign = sign
        self._tokens = Authenticator(settings)

    def check(self, parts: tuple[Any, ...], tally: Tally) -> None:
        headers, changes, without = parts
        header = self._header | headers
        claims = {n: value for n, value in (_good() | changes).items() if n not in without}
        tally.requested(LAYER)
        status, faults = self._faults(header, claims)
        tally.responded(LAYER, status)
        tally.blame(LAYER, f"{header!r} {claims!r}", faults)

    def faults_of_good_token(self) -> list[str]:
        status, faults = self._faults(self._header, _good())
        return faults if status == 200 else [f"a good token is refused: {status}"]

    def _faults(self, header: Claims, claims: Claims) -> tuple[int, list[str]]:
        token = encoded(dict(header), dict(claims), self._sign)
        try:
            user = self._tokens.authenticate({"authorization": f"Bearer {token}"})
        except UnauthenticatedError:
            return 401, []
        except UnavailableError:
            return 503, [] if header["kid"] != "ec" else ["a known key is unavailable"]
        except Exception as error:  # noqa: BLE001 - every token must be accepted or refused
            return 0, [f"the check raised {type(error).__name__}"]
        broken = [f"accepted though {rule}" for rule in broken_rules(header, claims)]
        if header["alg"] != self._header["alg"]:
            broken.append("accepted though it names another algorithm")
        if ADMIN_SCOPE in user.scopes and not _names_the_scope(claims):
            broken.append("made an administrator")
        return 200, broken


def broken_rules(header: Claims, claims: Claims) -> Iterator[str]:
    """Yield what the page for operators forbids."""
    typ = header.get("typ", "JWT")
    if not isinstance(typ, str) or typ.lower() not in {"jwt", "at+jwt", "application/at+jwt"}:
        yield "its type is another"
    if "events" in claims:
        yield "it is about an event"
    if claims.get("iss") != ISSUER:
        yield "its issuer is another"
    aud = claims["aud"] if "aud" in claims else claims.get("client_id")
    named = aud if isinstance(aud, list) and "aud" in claims else [aud]
    if SHOP not in named:
        yield "it is for another service"
    yield from _broken_times(claims)


def _broken_times(claims: Claims) -> Iterator[str]:
    moments = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    for name, value in moments.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_finite(value):
            yield f"its {name} is no moment"
            return
    if "exp" not in moments or moments["exp"] < NOW - SLACK_S:
        yield "it has expired"
        return
    if any(moments[name] > NOW + SLACK_S + 60 for name in ("iat", "nbf") if name in moments):
        yield "it is of the future"
    if int(moments["exp"]) - int(moments.get("iat", NOW)) > DAY_S + SLACK_S:
        yield "it lives too long"


def _is_finite(value: float) -> bool:
    return isinstance(value, int) or math.isfinite(value)


def _names_the_scope(claims: Claims) -> bool:
    found: list[object] = []
    for name in ("scope", "scp", "permissions"):
        value = claims.get(name)
        found += value.split() if isinstance(value, str) else []
        found += value if isinstance(value, list) else []
    return ADMIN_SCOPE in found


def _good() -> dict[str, Any]:
    return {"sub": "42", "exp": int(time.time()) + HOUR_S, "iss": ISSUER, "aud": SHOP}


def _with_our_secret(signed: bytes) -> bytes:
    return hmac.digest(SECRET.encode(), signed, "sha256")


def _with_key(issuer: Issuer) -> Callable[[bytes], bytes]:
    algorithm = ECAlgorithm(ECAlgorithm.SHA256)
    return lambda signed: algorithm.sign(signed, issuer.ec)

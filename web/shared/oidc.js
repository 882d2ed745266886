// OpenID Connect: authorization code with PKCE (S256), by the library oauth4webapi.
//
// Loaded when a person signs in, not before. Every failure is a SignInProblem. The signature of a
// token is checked by the service at each call; here the answer came over TLS from the issuer
// itself (OpenID Connect Core, 3.1.3.7).

import * as oauth from "../vendor/oauth4webapi.js";
import { callbackAddress, parsed } from "./sign_in_pending.js";
import { SignInProblem } from "./sign_in_problem.js";
import { claimsOf, scopesOf } from "./token_claims.js";

const ISSUER_TIMEOUT_MS = 10_000;
const PKCE = "S256";
// What an issuer says to prompt=none where it would have to ask the person something.
const NEEDS_PERSON = new Set([
  "login_required",
  "interaction_required",
  "consent_required",
  "account_selection_required",
]);
const PASSING = new Set(["server_error", "temporarily_unavailable"]);

let discovery = null;

/** Return where to send the person, and what has to be kept until the answer comes. */
export async function begin(settings, { scope, prompt }) {
  if (!globalThis.isSecureContext) throw new SignInProblem("insecure_page");
  const server = await discovered(settings);
  const verifier = oauth.generateRandomCodeVerifier();
  const state = newState();
  const nonce = oauth.generateRandomNonce();
  const address = endpoint(server, "authorization_endpoint");
  const wanted = {
    client_id: settings.client_id,
    redirect_uri: callbackAddress(),
    response_type: "code",
    scope,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: PKCE,
    prompt,
    // Auth0 gives a token that a service can read only to those who name the service.
    audience: settings.token === "access_token" ? settings.audience : "",
  };
  for (const [name, value] of Object.entries(wanted)) {
    if (value) address.searchParams.set(name, value);
  }
  return { address: address.href, state, nonce, verifier };
}

/** Exchange the issuer's answer for {token, id, scopes, lifeMs, renewal}. */
export async function finish(settings, record) {
  const server = await discovered(settings);
  const client = { client_id: settings.client_id };
  return exchanged(settings, client, async () => {
    const answer = new URLSearchParams(record.answer);
    const checked = oauth.validateAuthResponse(server, client, answer, record.state);
    const response = await asked(settings, endpoint(server, "token_endpoint"), (options) =>
      oauth.authorizationCodeGrantRequest(
        server, client, oauth.None(), checked, callbackAddress(), record.verifier, options,
      ),
    );
    await useClockOfIssuer(client, response);
    return oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: record.nonce,
      requireIdToken: true,
    });
  });
}

/** Return a new {token, id, scopes, lifeMs, renewal} for the `renewal` of an earlier one. */
export async function renew(settings, renewal) {
  const server = await discovered(settings);
  const client = { client_id: settings.client_id };
  const renewed = await exchanged(settings, client, async () => {
    const response = await asked(settings, endpoint(server, "token_endpoint"), (options) =>
      oauth.refreshTokenGrantRequest(server, client, oauth.None(), renewal, options),
    );
    await useClockOfIssuer(client, response);
    return oauth.processRefreshTokenResponse(server, client, response);
  });
  return { ...renewed, renewal: renewed.renewal ?? renewal };
}

/** Return where the issuer ends its own session; null where it offers no such address. */
export async function signOutAddress(settings, state) {
  const server = await discovered(settings);
  if (!server.end_session_endpoint) return null;
  // Without id_token_hint, which would put a token into an address: the issuer may ask once more.
  const address = endpoint(server, "end_session_endpoint");
  address.searchParams.set("client_id", settings.client_id);
  address.searchParams.set("post_logout_redirect_uri", callbackAddress());
  address.searchParams.set("logout_uri", callbackAddress()); // Cognito's name for the same
  address.searchParams.set("state", state);
  return address.href;
}

/** A random text, and the page to which /signed-in can show the way where the tab is another one. */
export function newState() {
  return `${oauth.generateRandomState()}.${base64url(location.pathname)}`;
}

function discovered(settings) {
  discovery ??= discover(settings).catch((error) => {
    discovery = null;
    throw error;
  });
  return discovery;
}

async function discover(settings) {
  const issuer = new URL(settings.issuer);
  const response = await asked(settings, issuer, (options) =>
    oauth.discoveryRequest(issuer, options),
  );
  try {
    return await oauth.processDiscoveryResponse(issuer, response);
  } catch (error) {
    throw new SignInProblem("issuer_odd", said(error));
  }
}

function endpoint(server, name) {
  const address = parsed(server[name]);
  // Another scheme than these two would run as a script, or open another program.
  if (address?.protocol !== "https:" && address?.protocol !== "http:") {
    throw new SignInProblem("issuer_odd", `${name}: ${server[name]}`);
  }
  return address;
}

/** Send a request to the issuer; tell apart why there was no answer. */
async function asked(settings, address, send) {
  const options = { signal: AbortSignal.timeout(ISSUER_TIMEOUT_MS) };
  // The service names an issuer without TLS only where STAGE is local.
  if (settings.issuer.startsWith("http:")) options[oauth.allowInsecureRequests] = true;
  try {
    return await send(options);
  } catch (error) {
    if (error?.name === "TimeoutError" || error?.name === "AbortError") {
      throw new SignInProblem("issuer_silent", address.origin);
    }
    // The library's own have a code.
    if (!(error instanceof TypeError) || error.code) throw error;
    const code = (await isReachable(address)) ? "cors_refused" : "issuer_unreachable";
    throw new SignInProblem(code, address.origin);
  }
}

/** Whether anything answers there. What it says stays hidden from us, so no CORS is needed. */
async function isReachable(address) {
  const signal = AbortSignal.timeout(ISSUER_TIMEOUT_MS);
  try {
    await fetch(address.origin, { mode: "no-cors", cache: "no-store", credentials: "omit", signal });
    return true;
  } catch {
    return false;
  }
}

/**
 * Take the issuer's clock from the token that it has just made. The person's own clock may be wrong
 * by hours; that the answer is fresh is what `nonce` proves.
 */
async function useClockOfIssuer(client, response) {
  if (!response.ok) return;
  const body = await response.clone().json().catch(() => null);
  const issuedAt = claimsOf(body?.id_token)?.iat;
  if (Number.isFinite(issuedAt)) {
    client[oauth.clockSkew] = Math.round(issuedAt - Date.now() / 1000);
  }
}

async function exchanged(settings, client, exchange) {
  let answer;
  try {
    answer = await exchange();
  } catch (error) {
    throw asProblem(error);
  }
  const isId = settings.token === "id_token";
  const token = isId ? answer.id_token : answer.access_token;
  const claims = claimsOf(token);
  if (claims === null) throw new SignInProblem("opaque_token", settings.token);
  const ownLifeS = claims.exp - (claims.iat ?? Date.now() / 1000 + (client[oauth.clockSkew] ?? 0));
  const lifeS = (isId ? undefined : answer.expires_in) ?? ownLifeS;
  const scopes = scopesOf(claims, settings.scope_claims);
  const id = String(claims.sub ?? "");
  return { token, id, scopes, lifeMs: lifeS * 1000, renewal: answer.refresh_token };
}

function asProblem(error) {
  if (error instanceof SignInProblem) return error;
  const said_ = said(error);
  if (error instanceof oauth.AuthorizationResponseError) {
    if (error.error === "access_denied") return new SignInProblem("access_denied", said_);
    if (NEEDS_PERSON.has(error.error)) return new SignInProblem("needs_person", said_);
    return new SignInProblem(PASSING.has(error.error) ? "issuer_failed" : "issuer_refused", said_);
  }
  if (error instanceof oauth.ResponseBodyError) {
    const isOfCode = error.error === "invalid_grant";
    return new SignInProblem(isOfCode ? "code_refused" : "issuer_refused", said_);
  }
  if (error?.code === oauth.JWT_TIMESTAMP_CHECK) return new SignInProblem("clock", said_);
  const isMixedUp = error?.code === oauth.JWT_CLAIM_COMPARISON && error.cause?.claim === "nonce";
  return new SignInProblem(isMixedUp ? "wrong_state" : "issuer_odd", said_);
}

function said(error) {
  const parts = [error?.error ?? error?.message, error?.error_description];
  return parts.filter(Boolean).join(": ");
}

function base64url(text) {
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

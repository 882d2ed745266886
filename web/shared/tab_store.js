// What a page keeps of a session for its own reload, in this tab's sessionStorage.

/** Under the key of this kind of page. Where the browser forbids storage, nothing is kept. */
export class TabStore {
  #keepsToken;
  #key = `seonchak.session.${location.pathname.split("/")[1]}`;

  constructor(keepsToken) {
    this.#keepsToken = keepsToken;
  }

  /** Return {token, id, scopes, gotAtMs, expiresAtMs} of this page before its reload, or null. */
  token() {
    const kept = this.#keepsToken ? this.#read() : null;
    const isWhole = typeof kept?.token === "string" && Number.isFinite(kept.expiresAtMs);
    return isWhole && Array.isArray(kept.scopes) ? kept : null;
  }

  /** Keep the token, or, in memory mode, only that the person was signed in. */
  keep({ token, id, scopes, gotAtMs, expiresAtMs }) {
    const kept = { token, id, scopes, gotAtMs, expiresAtMs }; // without what renews it
    this.#write(this.#keepsToken ? kept : { wasSignedIn: true });
  }

  /** Return, once, whether the person was signed in when the page was left. */
  takeWasSignedIn() {
    const was = this.#read()?.wasSignedIn === true;
    // Once: where the issuer refuses, the next load must not go there again.
    if (was) this.forget();
    return was;
  }

  /** Forget a token that has ended. In memory mode a reload may still ask the issuer. */
  forgetToken() {
    if (this.#keepsToken) this.forget();
  }

  /** Note that the person has signed out: the issuer must not sign in again without a question. */
  noteSignedOut() {
    this.#write({ signedOut: true });
  }

  get hasSignedOut() {
    return this.#read()?.signedOut === true;
  }

  forget() {
    attempt(() => sessionStorage.removeItem(this.#key));
  }

  #read() {
    return attempt(() => JSON.parse(sessionStorage.getItem(this.#key)));
  }

  #write(value) {
    attempt(() => sessionStorage.setItem(this.#key, JSON.stringify(value)));
  }
}

function attempt(use) {
  try {
    return use();
  } catch (error) {
    // Forbidden or full: a reload signs in again. A text that is not JSON is none of ours.
    if (error instanceof DOMException || error instanceof SyntaxError) return null;
    throw error;
  }
}

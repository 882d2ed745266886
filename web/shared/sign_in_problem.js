// What can go wrong when a person signs in. The texts are in sign_in/texts.js, by `code`.

export class SignInProblem extends Error {
  /** detail: what the issuer or the library said about it, for the person who repairs it; may be "". */
  constructor(code, detail = "") {
    super(`${code} ${detail}`);
    this.code = code;
    this.detail = detail;
  }
}

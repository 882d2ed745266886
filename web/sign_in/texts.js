// What people read when they sign in, in both languages. {detail}: what was said, for operators.

import { translate } from "../shared/texts.js";

const TEXTS = {
  ko: {
    access_denied: "로그인이 취소되었습니다. 다시 하려면 로그인을 누르세요.",
    needs_person: "로그인이 필요합니다. 로그인을 누르세요.",
    wrong_state: "이 로그인은 이 창에서 시작되지 않았거나 이미 끝났습니다. 페이지로 돌아가 다시 로그인하세요.",
    foreign_path: "로그인 뒤에 돌아갈 주소가 이 사이트의 주소가 아니어서 열지 않았습니다. 원래 페이지를 다시 열고 로그인하세요.",
    code_refused: "로그인을 마치는 데 너무 오래 걸렸거나 이미 사용된 로그인입니다. 다시 로그인하세요. ({detail})",
    issuer_silent: "로그인 서버({detail})가 제때 응답하지 않았습니다. 잠시 후 다시 시도하세요.",
    issuer_unreachable: "로그인 서버({detail})에 연결할 수 없습니다. 인터넷 연결을 확인하고 다시 시도하세요.",
    issuer_failed: "로그인 서버에 잠시 문제가 있습니다. 잠시 후 다시 시도하세요. ({detail})",
    issuer_refused: "로그인 서버가 이 사이트의 요청을 거절했습니다. 운영자에게 알려 주세요: {detail}",
    issuer_odd: "로그인 서버의 응답이 올바르지 않습니다. 다시 시도하고, 계속되면 운영자에게 알려 주세요: {detail}",
    cors_refused: "로그인 서버({detail})가 이 사이트에 응답을 읽도록 허용하지 않습니다. 운영자에게 알려 주세요: 로그인 서버에 이 사이트의 출처(CORS)를 등록해야 합니다.",
    clock: "로그인 서버가 준 토큰의 시각이 맞지 않습니다. 다시 시도하고, 계속되면 운영자에게 알려 주세요: {detail}",
    opaque_token: "로그인 서버가 이 서비스에서 쓸 수 없는 토큰({detail})을 주었습니다. 운영자에게 알려 주세요: AUTH_AUDIENCE 또는 OIDC_TOKEN 설정을 확인해야 합니다.",
    token_refused: "로그인은 되었지만 서비스가 토큰을 받아들이지 않습니다. 운영자에게 알려 주세요: {detail}",
    insecure_page: "이 페이지는 HTTPS로 열어야 로그인할 수 있습니다. 주소를 https://로 바꿔 여세요.",
    no_storage: "브라우저가 이 사이트의 저장소를 막고 있어 로그인할 수 없습니다. 쿠키 및 사이트 데이터를 허용한 뒤 다시 시도하세요. ({detail})",
    service_unreachable: "서비스에 연결할 수 없습니다. 인터넷 연결을 확인하고 다시 시도하세요.",
    not_configured: "이 서비스에는 로그인이 설정되어 있지 않습니다. 운영자에게 알려 주세요: OIDC_CLIENT_ID.",
    callback_title: "로그인",
    callback_wait: "로그인을 마치는 중입니다…",
    callback_back: "페이지로 돌아가기",
    form_title: "개발용 로그인",
    form_hint: "STAGE=local에서만 있습니다. 비밀번호가 없습니다.",
    form_user: "사용자 ID",
    form_admin: "관리자로 로그인",
    form_submit: "로그인",
    form_cancel: "취소",
    form_invalid: "사용자 ID는 공백 없는 영문, 숫자, 기호 1~64자여야 합니다.",
    form_missing: "이 서비스에는 개발용 로그인이 없습니다.",
    form_failed: "로그인하지 못했습니다: {detail}",
    form_offline: "서비스에 연결할 수 없습니다. 연결을 확인하고 다시 누르세요.",
  },
  en: {
    access_denied: "The sign-in was cancelled. Press Sign in to try again.",
    needs_person: "You need to sign in. Press Sign in.",
    wrong_state: "This sign-in was not started in this tab, or it is over already. Go back to the page and sign in again.",
    foreign_path: "The address to return to is not one of this site, so it was not opened. Open the page again and sign in there.",
    code_refused: "The sign-in took too long, or it was used already. Sign in again. ({detail})",
    issuer_silent: "The sign-in server ({detail}) did not answer in time. Try again in a moment.",
    issuer_unreachable: "The sign-in server ({detail}) cannot be reached. Check your connection and try again.",
    issuer_failed: "The sign-in server has a problem at the moment. Try again in a moment. ({detail})",
    issuer_refused: "The sign-in server refused this site's request. Tell the operator: {detail}",
    issuer_odd: "The sign-in server's answer is not valid. Try again; if it stays so, tell the operator: {detail}",
    cors_refused: "The sign-in server ({detail}) does not let this site read its answers. Tell the operator: this site's origin must be registered there (CORS).",
    clock: "The times in the sign-in server's token do not fit. Try again; if it stays so, tell the operator: {detail}",
    opaque_token: "The sign-in server gave a token that this service cannot read ({detail}). Tell the operator: check AUTH_AUDIENCE or OIDC_TOKEN.",
    token_refused: "You are signed in, but the service does not accept the token. Tell the operator: {detail}",
    insecure_page: "Signing in needs HTTPS. Open this page with https:// in its address.",
    no_storage: "Your browser blocks this site's storage, so you cannot sign in. Allow cookies and site data, then try again. ({detail})",
    service_unreachable: "The service cannot be reached. Check your connection and try again.",
    not_configured: "Signing in is not set up at this service. Tell the operator: OIDC_CLIENT_ID.",
    callback_title: "Sign-in",
    callback_wait: "Finishing the sign-in…",
    callback_back: "Back to the page",
    form_title: "Development sign-in",
    form_hint: "It exists with STAGE=local only. There is no password.",
    form_user: "User id",
    form_admin: "As administrator",
    form_submit: "Sign in",
    form_cancel: "Cancel",
    form_invalid: "A user id is 1 to 64 letters, digits and signs of ASCII, without spaces.",
    form_missing: "This service has no development sign-in.",
    form_failed: "You are not signed in: {detail}",
    form_offline: "The service cannot be reached. Check the connection and press again.",
  },
};

export function text(key, values) {
  return translate(TEXTS, key, values);
}

/** Return what to show for a SignInProblem's code. */
export function problemText(code, detail = "") {
  return text(code, { detail }).replace(" ()", "");
}

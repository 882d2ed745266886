// What a token says, for display and for its end. Whether it is genuine is for the service to check.

/** Return the claims of a JWT without checking it; null for any other text. */
export function claimsOf(token) {
  try {
    const bytes = atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder().decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));
    const claims = JSON.parse(text);
    return typeof claims === "object" ? claims : null;
  } catch {
    return null;
  }
}

/** Return the scopes in the claims of these names, as the service finds them, sorted. */
export function scopesOf(claims, names) {
  const found = names.flatMap((name) => {
    const value = claims?.[name];
    return typeof value === "string" ? value.split(" ") : Array.isArray(value) ? value : [];
  });
  return [...new Set(found.filter((scope) => typeof scope === "string" && scope !== ""))].sort();
}

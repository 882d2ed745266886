// The way back after signing in: a page of our own origin, or null.

const CALLBACK = "/signed-in";

/** Return the URL of `text`, null where it is none. (URL.parse is too new for older phones.) */
export function parsed(text, base) {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}

/** Return the full address of a path of our own origin; null for anything else. */
export function ownAddress(path) {
  if (typeof path !== "string" || !path.startsWith("/")) return null;
  // The address, never the path: a path like /.//shop.example becomes //shop.example when it is
  // resolved, and that names another host.
  const address = parsed(path, location.origin);
  const isOurs = address?.origin === location.origin && address.pathname !== CALLBACK;
  return isOurs ? address.href : null;
}

/** The one address to which an issuer sends people back. It is registered there. */
export function callbackAddress() {
  return location.origin + CALLBACK;
}

/** The path of this page with all that belongs to it. */
export function herePath() {
  return location.pathname + location.search + location.hash;
}

// One round trip with a client that was generated of docs/openapi.json: node round_trip.js URL ID.
// Every name and type in here is checked by the compiler against the description.

import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths, webhooks } from "./schema.js";

type NewCampaign = components["schemas"]["NewCampaign"];
// What a receiver gets, by the kind of event.
type Sent<Kind extends keyof webhooks> =
  webhooks[Kind]["post"]["requestBody"]["content"]["application/json"];

const [url, id] = process.argv.slice(2);
if (!url || !id) throw new Error("round_trip.js URL ID");

function clientOf(token: string | undefined) {
  const bearer: Middleware = {
    onRequest: ({ request }) => {
      if (token) request.headers.set("Authorization", `Bearer ${token}`);
      return request;
    },
  };
  const client = createClient<paths>({ baseUrl: url! });
  client.use(bearer);
  return client;
}

function expect<T>(what: string, found: T, wanted: T): void {
  if (found !== wanted) throw new Error(`${what}: ${found}, not ${wanted}`);
}

const admin = clientOf(process.env["ADMIN_TOKEN"]);
const user = clientOf(process.env["USER_TOKEN"]);
const shop = clientOf(process.env["SHOP_TOKEN"]);
const anyone = clientOf(undefined);
const path = { params: { path: { id } } };

const campaign: NewCampaign = {
  id,
  name: "TypeScript",
  quantity: 1,
  opens_at: "2020-01-01T00:00:00Z",
  closes_at: "2100-01-01T00:00:00Z",
};
const created = await admin.POST("/campaigns", { body: campaign });
expect("created", created.data?.quantity, 1);

const accepted = await user.POST("/campaigns/{id}/apply", path);
expect("accepted", accepted.response.status, 202);
expect("serial", accepted.data?.serial, 1);
const again = await user.POST("/campaigns/{id}/apply", path);
expect("again", again.data?.outcome, "ALREADY_APPLIED");

const mine = await user.GET("/campaigns/{id}/coupon", path);
expect("mine", mine.data?.serial, 1);

// A problem is a type of its own: the compiler knows the codes that this call can answer with.
const late = await admin.POST("/campaigns/{id}/apply", path);
expect("late", late.error?.code, "SOLD_OUT");
const refused = await anyone.GET("/campaigns/{id}/stats", path);
expect("refused", refused.error?.code, "UNAUTHENTICATED");

const status = await anyone.GET("/campaigns/{id}", path);
expect("remaining", status.data?.remaining, 0);
expect("state", status.data?.state, "SOLD_OUT");
const page = await anyone.GET("/campaigns", { params: { query: { limit: 1000 } } });
expect("listed", page.data?.campaigns.some((one) => one.id === id), true);

const tag = (await admin.GET("/campaigns/{id}", path)).response.headers.get("etag") ?? "";
const change = {
  params: { ...path.params, header: { "If-Match": tag } },
  body: { quantity: 2, name: "More" },
};
const changed = await admin.PATCH("/campaigns/{id}", change);
expect("changed", changed.data?.quantity, 2);
const stale = await admin.PATCH("/campaigns/{id}", change);
expect("stale", stale.error?.code, "PRECONDITION_FAILED");

const deadline = Date.now() + 60_000;
let code: string | null | undefined;
while (!code && Date.now() < deadline) {
  code = (await user.GET("/campaigns/{id}/coupon", path)).data?.code;
  if (!code) await new Promise((resolve) => setTimeout(resolve, 100));
}
if (!code) throw new Error("the coupon was not issued");

const coupon = { params: { path: { code } } };
const order = { params: { path: { code, order_id: "order-1" } } };
const reserved = await shop.POST("/coupons/{code}/reservations", {
  ...coupon,
  body: { order_id: "order-1", ttl_s: 60 },
});
expect("reserved", reserved.data?.state, "RESERVED");
const released = await shop.DELETE("/coupons/{code}/reservations/{order_id}", order);
expect("released", released.response.status, 204);
const used = await shop.POST("/coupons/{code}/redemptions", {
  ...coupon,
  body: { order_id: "order-1" },
});
expect("used", used.data?.state, "USED");
const other = await shop.POST("/coupons/{code}/redemptions", {
  ...coupon,
  body: { order_id: "order-2" },
});
expect("other", other.error?.code, "ALREADY_USED");
const cancelled = await shop.DELETE("/coupons/{code}/redemptions/{order_id}", order);
expect("cancelled", cancelled.response.status, 204);
const found = await shop.GET("/coupons/{code}", coupon);
expect("found", found.data?.state, "ISSUED");
const givenBack = await user.DELETE("/campaigns/{id}/coupon", path);
expect("given back", givenBack.data?.state, "REVOKED");

const hook = await admin.POST("/webhooks", {
  body: { url: "https://shop.example/coupons", kinds: ["coupon.issued"] },
});
expect("secret", hook.data?.secret.startsWith("whsec_"), true);
const webhook = hook.data?.id ?? "";
const hooks = await admin.GET("/webhooks", { params: { query: { limit: 100 } } });
expect("hooks", hooks.data?.webhooks.some((one) => one.id === webhook), true);
const deleted = await admin.DELETE("/webhooks/{webhook}", { params: { path: { webhook } } });
expect("deleted", deleted.data?.state, "DELETED");
const sent: Sent<"coupon.issued"> = {
  type: "coupon.issued",
  timestamp: "2026-11-22T03:00:00.000Z",
  data: { campaign_id: id, serial: 1, code, user_id: "user" },
};
expect("sent", sent.data.serial, 1);

console.log("round trip: done");

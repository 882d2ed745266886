// One round trip with a client that was generated of docs/openapi.json: node round_trip.js URL ID.
// Every name and type in here is checked by the compiler against the description.

import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema.js";

type NewCampaign = components["schemas"]["NewCampaign"];

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

console.log("round trip: done");

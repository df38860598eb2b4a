// What Stripe's own client does with the loopback Stripe, and what it understands: printed as JSON.

import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(path.resolve(process.argv[2]), "package.json"));
const loaded = require("stripe");
const Stripe = loaded.default ?? loaded.Stripe ?? loaded;

const url = new URL(process.env.STRIPE_URL);
const options = { host: url.hostname, port: url.port, protocol: "http", maxNetworkRetries: 0, telemetry: false };
const stripe = new Stripe(process.env.STRIPE_KEY, options);
const event_name = process.env.STRIPE_EVENT;
const now = Math.floor(Date.now() / 1000);
const minute = now - (now % 60);

const event = (identifier, value, more = {}) => ({
  event_name,
  identifier,
  timestamp: minute - 60,
  payload: { stripe_customer_id: "cus_1", value },
  ...more,
});
const create = (body, key) =>
  stripe.billing.meterEvents.create(body, key ? { idempotencyKey: key } : undefined);
const refused = async (call) => {
  try {
    return { type: "none", answer: await call() };
  } catch (error) {
    return { type: error.type, code: error.code, message: error.message };
  }
};
const summaries = async () => {
  const found = [];
  const query = { customer: "cus_1", start_time: minute - 60, end_time: minute };
  for await (const sum of stripe.billing.meters.listEventSummaries(process.env.STRIPE_METER, query)) {
    found.push(sum);
  }
  return found;
};

const made = await create(event("one", "25"), "key-1");
const again = await create(event("one", "25"), "key-1");
await create(event("two", "7"));
const errors = {
  twice: await refused(() => create(event("one", "25"), "key-2")),
  unknownCustomer: await refused(() =>
    create(event("three", "1", { payload: { stripe_customer_id: "cus_2", value: "1" } })),
  ),
  fraction: await refused(() => create(event("four", "1.5"))),
  digits: await refused(() => create(event("five", "1234567890123456"))),
  old: await refused(() => create(event("six", "1", { timestamp: now - 36 * 86400 }))),
  ahead: await refused(() => create(event("seven", "1", { timestamp: now + 400 }))),
  noMeter: await refused(() => create(event("eight", "1", { event_name: "other" }))),
  badKey: await refused(() =>
    new Stripe("sk_test_other", options).billing.meterEvents.create(event("nine", "1")),
  ),
};
const sums = await summaries();
const adjustment = await stripe.billing.meterEventAdjustments.create({
  event_name,
  type: "cancel",
  cancel: { identifier: "one" },
});
console.log(
  JSON.stringify({ made, again, errors, summaries: sums, adjustment, after: await summaries() }),
);

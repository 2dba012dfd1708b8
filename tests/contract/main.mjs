// All suites, or those that the arguments name.
import { finish, suite } from "./lib.mjs";
import { openapi } from "./openapi.mjs";
import { payloads } from "./payloads.mjs";
import { webhooks } from "./webhooks.mjs";

const all = { payloads, webhooks, openapi };
const wanted = process.argv.slice(2);

for (const name of wanted.length ? wanted : Object.keys(all))
	await suite(name, all[name]);
finish();

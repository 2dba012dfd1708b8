// GitHub's own description of its API, cut to the calls that kcibot makes and
// mended where it says less than GitHub's documentation does.
import { readFileSync } from "node:fs";
import { load } from "./lib.mjs";

const JSON_TYPE = "application/json";
const GITHUB_TYPE = "application/vnd.github+json";

// Paths differ in what they call their parameters.
const skeleton = (path) => path.replace(/\{\w+\}/g, "{}");
const rowSkeleton = (row) =>
	skeleton(row.path.replace("{repo}", "{owner}/{name}"));

const resolve = (whole, ref) =>
	ref.slice(2).split("/").reduce((o, name) => o[name], whole);

// Copies what part refers to, and what that refers to, into `into`.
function follow(whole, part, into) {
	if (part === null || typeof part !== "object")
		return;
	for (const value of Object.values(part))
		follow(whole, value, into);
	if (typeof part.$ref !== "string")
		return;

	const [, , kind, name] = part.$ref.split("/");
	if (into[kind]?.[name])
		return;
	into[kind] = { ...into[kind], [name]: resolve(whole, part.$ref) };
	follow(whole, into[kind][name], into);
}

const operations = (paths) => Object.values(paths).flatMap((item) =>
	Object.entries(item).map(([method, operation]) => ({ method, operation })));

// What any call may be answered, though not every operation lists it.
const ANSWERS = {
	401: "requires_authentication", 403: "forbidden", 404: "not_found",
	422: "validation_failed",
};

// Limits that GitHub enforces and does not describe.
const LIMITS = {
	"/repos/{}/{}/statuses/{}": { description: { maxLength: 140 },
				      context: { minLength: 1, maxLength: 255 },
				      target_url: { format: "uri" } },
	"/repos/{}/{}/issues/{}/comments": { body: { minLength: 1, maxLength: 65536 } },
	"/repos/{}/{}/issues/comments/{}": { body: { minLength: 1, maxLength: 65536 } },
};

function mend(spec) {
	for (const { method, operation } of operations(spec.paths)) {
		for (const [status, name] of Object.entries(ANSWERS))
			operation.responses[status] ??=
				{ $ref: `#/components/responses/${name}` };
		if (method === "get")
			operation.responses[304] ??=
				{ $ref: "#/components/responses/not_modified" };
	}
	for (const [path, item] of Object.entries(spec.paths))
		for (const operation of Object.values(item))
			mendBody(operation.requestBody, LIMITS[skeleton(path)]);

	spec.components.securitySchemes = { token: { type: "http", scheme: "bearer" } };
	spec.security = [{ token: [] }];
	delete spec.servers;
}

// A member that GitHub does not know is a mistake of ours.
function mendBody(body, limits = {}) {
	const schema = body?.content[JSON_TYPE].schema;

	if (!schema)
		return;
	schema.additionalProperties = false;
	for (const [name, limit] of Object.entries(limits))
		Object.assign(schema.properties[name], limit);
}

// Answers come under either name.
function alias(spec) {
	const all = [
		...Object.values(spec.components.responses),
		...operations(spec.paths).flatMap(({ operation }) =>
			Object.values(operation.responses)),
	];

	for (const { content } of all)
		if (content?.[JSON_TYPE])
			content[GITHUB_TYPE] = content[JSON_TYPE];
}

// rows: the client's table.  Throws when one is not in the description.
// -> { spec, operations: [{ row, method, pattern, loose, query }] }
export function cut(rows) {
	const whole = JSON.parse(readFileSync(
		load.resolve("@octokit/openapi/generated/api.github.com.json")));
	const components = {};
	const paths = {};
	const found = rows.map((row) => {
		const path = Object.keys(whole.paths).find((p) =>
			skeleton(p) === rowSkeleton(row));
		const method = row.method.toLowerCase();
		const operation = whole.paths[path]?.[method];

		if (!operation)
			throw new Error(`GitHub describes no ${row.method} ${row.path}`);
		paths[path] = { ...paths[path], [method]: operation };
		return { row, method: row.method, ...shape(whole, path, operation) };
	});

	for (const name of [...Object.values(ANSWERS), "not_modified"])
		follow(whole, { $ref: `#/components/responses/${name}` }, components);
	follow(whole, paths, components);

	const spec = { openapi: whole.openapi, info: whole.info, paths, components };
	mend(spec);
	alias(spec);
	return { spec, operations: found };
}

function shape(whole, path, operation) {
	const parameters = operation.parameters.map((p) =>
		p.$ref ? resolve(whole, p.$ref) : p);

	return {
		pattern: new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`),
		loose: path.split("{").length, // of two that fit, the tighter counts
		query: parameters.filter((p) => p.in === "query").map((p) => p.name),
	};
}

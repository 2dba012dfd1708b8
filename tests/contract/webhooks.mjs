// The webhooks of the sandbox, judged by GitHub's own description of its.
import { readFileSync } from "node:fs";
import { check, equal, load, tempDir, until } from "./lib.mjs";
import { writeSecrets } from "./bot.mjs";
import { Sandbox } from "./sandbox.mjs";

const REPO = "octo/core";
const NOBODY = "http://127.0.0.1:1/webhook"; // each delivery fails, and is kept

// All that the sandbox can send; a branch makes a push.
const WANTED = [
	"ping", "push",
	"issue_comment created", "issue_comment edited", "issue_comment deleted",
	...["opened", "synchronize", "edited", "closed", "reopened", "labeled",
	    "unlabeled", "locked", "unlocked", "converted_to_draft",
	    "ready_for_review"].map((action) => `pull_request ${action}`),
	...["submitted", "edited", "dismissed"].map((action) =>
		`pull_request_review ${action}`),
	...["created", "edited", "deleted"].map((action) =>
		`pull_request_review_comment ${action}`),
];

// From OpenAPI 3.0 to JSON Schema: what may be null is of two types there.
function modern(schema) {
	if (Array.isArray(schema))
		return schema.map(modern);
	if (schema === null || typeof schema !== "object")
		return schema;

	const { nullable, ...rest } = schema;
	const own = Object.fromEntries(Object.entries(rest).map(
		([name, value]) => [name, name === "examples" || name === "example"
			? undefined : modern(value)]));
	return nullable === true ? { anyOf: [{ type: "null" }, own] } : own;
}

// -> judge(event, action, payload): what is wrong, "" for nothing
function judge() {
	const Ajv = load("ajv");
	const whole = JSON.parse(readFileSync(
		load.resolve("@octokit/openapi/generated/api.github.com.json")));
	const ajv = new Ajv({ strict: false, validateFormats: false,
			      allErrors: true });

	ajv.addSchema({ $id: "github", components: modern(whole.components) });
	return (event, action, payload) => {
		const name = [event, action].filter(Boolean).join("-")
			.replaceAll("_", "-");
		const { $ref } = whole["x-webhooks"][name].post.requestBody
			.content["application/json"].schema;
		const good = ajv.getSchema(`github${$ref}`);

		return good(payload) ? "" : good.errors.slice(0, 8).map((e) =>
			`\n\t${e.instancePath} ${e.message}`).join("");
	};
}

// One of each.
async function live(sandbox) {
	const act = (path, body) => sandbox.post(path, { repo: REPO, ...body });
	const onPull = (path, body) => act(path, { number: 1, ...body });
	const both = async (yes, no, more) => {
		for (const action of [yes, no])
			await onPull("pulls/act", { action, ...more });
	};

	await sandbox.post("hook", { url: NOBODY, secret: "s" });
	for (const login of ["boss", "stranger"])
		await sandbox.post("users", { login });
	await act("repos", { files: { README: "hello\n" } });
	await act("push", { branch: "next", files: { next: "x\n" } });
	await act("pulls", { author: "stranger", title: "One", body: "text",
			     files: { one: "1\n" } });
	await onPull("pulls/push", { files: { two: "2\n" } });
	await both("label", "unlabel", { label: "bug" });
	await both("lock", "unlock", { user: "boss" });
	await both("draft", "ready");
	await onPull("pulls/act", { action: "edit", base: "next", title: "Two" });

	const comment = await onPull("comments", { user: "boss", body: "hello" });
	await act("comments/edit", { id: comment.id, user: "stranger", body: "bye" });
	await act("comments/delete", { id: comment.id, user: "stranger" });
	const review = await onPull("reviews", { user: "boss", event: "APPROVE" });
	await onPull("reviews", { user: "boss", event: "REQUEST_CHANGES", body: "no" });
	await act("reviews/edit", { id: review.id, body: "well" });
	await act("reviews/dismiss", { id: review.id, user: "stranger" });
	const line = await onPull("reviews/comments", { user: "boss", body: "why?" });
	await onPull("reviews/comments", { user: "stranger", body: "so",
					   reply_to: line.id });
	await onPull("pulls/push", { files: { one: "outdated\n" } });
	await act("comments/edit", { id: line.id, user: "stranger", body: "how?" });
	await act("comments/delete", { id: line.id });
	await both("close", "reopen");
	await onPull("pulls/act", { action: "merge", user: "boss" });
}

// What the deliveries hold that people's own members may be compared with:
// the objects of GitHub's examples have no member that ours lack.
function compare(deliveries) {
	const examples = load("@octokit/webhooks-examples");

	for (const [event, member] of [["pull_request_review", "review"],
				       ["pull_request_review_comment", "comment"]])
		for (const d of deliveries.filter((one) => one.event === event)) {
			const like = examples.find(({ name }) => name === event)
				.examples.filter(({ action }) => action === d.action);
			const names = like.flatMap((one) => Object.keys(one[member]));
			const lack = names.filter((name) =>
				!(name in d.request.payload[member]));

			check(`${event} ${d.action} lacks nothing of the examples`,
			      !lack.length, [...new Set(lack)].join(", "));
		}
}

export async function webhooks() {
	const dir = tempDir();
	const sandbox = await Sandbox.start(`${dir}/sandbox`, writeSecrets(dir),
					    "http://127.0.0.1:1");
	const problems = judge();

	await live(sandbox);
	const list = await until("all webhooks are sent", async () => {
		const all = await sandbox.get("deliveries");

		return all.every((d) => d.status_code) && all;
	}, sandbox.child);
	const deliveries = [];
	for (const { id } of list)
		deliveries.push(await sandbox.get(`deliveries?id=${id}`));

	const wrong = structuredClone(deliveries.find((d) =>
		d.event === "pull_request_review").request.payload);
	wrong.review.commit_id = null;
	check("the judge can object", problems("pull_request_review",
					       wrong.action, wrong) !== "");

	const seen = new Set();
	for (const { event, action, request } of deliveries) {
		const what = [event, action].filter(Boolean).join(" ");
		const found = problems(event, action, request.payload);

		seen.add(what);
		check(`${what} is as described`, !found, found);
	}
	equal("kinds of webhooks", [...seen].sort().join(", "),
	      WANTED.slice().sort().join(", "));
	compare(deliveries);
	console.log(`${deliveries.length} webhooks judged by GitHub's description`);
	await sandbox.stop();
}

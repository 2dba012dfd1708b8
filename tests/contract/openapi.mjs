// Every request of the client and every answer of the sandbox, judged by
// GitHub's own description: client -> tap -> Prism -> sandbox.
import { writeFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Child, ask, binary, check, endWell, equal, freePort, load, packages,
	 tempDir, until } from "./lib.mjs";
import { Bot, SECRET, TOKEN, writeConfig, writeSecrets } from "./bot.mjs";
import { Sandbox } from "./sandbox.mjs";
import { cut } from "./spec.mjs";
import { startTap } from "./tap.mjs";

const REPO = "octo/core";
const SIDE = "octo/side"; // not a project of the bot
const CONTEXT = "kcibot/staging";
const ORG = "octo";
const NOBODY = "http://127.0.0.1:1/webhook"; // each delivery fails, and is kept
const US = "contract-test"; // the sender of what the client did not send

// What the sandbox answers beside the client's table.
const OTHERS = [
	["GET", "/user/{id}"],
	["GET", "/repos/{repo}"],
	["GET", "/repos/{repo}/pulls/{number}/files"],
	["GET", "/repos/{repo}/commits/{sha}/status"],
	["GET", "/repos/{repo}/commits/{sha}/statuses"],
	["GET", "/repos/{repo}/issues/comments/{comment}/reactions"],
	["DELETE", "/repos/{repo}/issues/comments/{comment}/reactions/{reaction}"],
	["DELETE", "/repos/{repo}/issues/comments/{comment}"],
	["GET", "/repos/{repo}/hooks/{hook}/deliveries/{delivery}"],
	["GET", "/repos/{repo}/pulls/comments/{code}"],
	["GET", "/repos/{repo}/pulls/comments/{code}/reactions"],
].map(([method, path]) => ({ kind: `${method} ${path}`, method, path, send: [] }));

async function readTable() {
	const list = new Child(binary("CALLS"), ["--list"]);

	equal("the client's table can be read", await list.ended, 0);
	return JSON.parse(list.out);
}

async function startPrism(dir, spec, upstream) {
	const file = join(dir, "github.json");
	const port = await freePort();
	const main = join(packages, "node_modules/@stoplight/prism-cli/dist/index.js");

	writeFileSync(file, JSON.stringify(spec));
	const prism = new Child(process.execPath, [
		main, "proxy", file, upstream, "--errors",
		"--host", "127.0.0.1", "--port", `${port}`,
	]);
	await prism.says("is listening on");
	return { prism, port };
}

// The client alone: one call after the other, each with its outcome.
class Calls {
	constructor(url, tokenFile) {
		this.child = new Child(binary("CALLS"), [url, tokenFile]);
		this.lines = createInterface(this.child.process.stdout)
			[Symbol.asyncIterator]();
	}

	async run(kind, args, code = "ok") {
		this.child.process.stdin.write(`${JSON.stringify({ kind, args })}\n`);

		const { value } = await this.lines.next();
		if (!value)
			throw new Error(`the client died: ${this.child.err}`);
		const got = JSON.parse(value);
		check(`${kind} ${JSON.stringify(args).slice(0, 200)} ends with ${code}`,
		      got.code === code, `${got.code} ${got.text}`);
		return got.body;
	}

	async stop() {
		this.child.process.stdin.end();
		await this.child.ended;
		await endWell(this.child);
	}
}

async function fill(sandbox) {
	for (const login of ["boss", "contrib", "stranger"])
		await sandbox.post("users", { login });
	for (const repo of [REPO, SIDE])
		await sandbox.post("repos", { repo, files: { README: "hello\n" } });
}

const open = (sandbox, repo, author, title) => sandbox.post("pulls", {
	repo, author, title,
	files: { [`${author}.txt`]: `${title}\n` },
});

// Each row of the table, also with what is refused and what is at a limit.
async function callAll(sandbox, tap, files) {
	const calls = new Calls(tap.url, files.token);
	const { number, sha } = await open(sandbox, SIDE, "stranger", "On the side");
	const marker = "<!-- kcibot:sticky staging -->";
	const comment = { repo: SIDE, number, marker, comment_id: 0 };
	const missing = "f".repeat(40);

	await calls.run("forge.user", { login: "boss" });
	await calls.run("forge.user", { login: "nobody-at-all" }, "missing");
	await calls.run("forge.self", {});
	await calls.run("forge.pull", { repo: SIDE, number });
	await calls.run("forge.pull", { repo: SIDE, number: 999 }, "missing");
	await calls.run("forge.pulls", { repo: SIDE });
	await calls.run("forge.pulls", { repo: "octo/none" }, "missing");
	await calls.run("forge.hooks", { repo: SIDE });
	await calls.run("forge.comment.list", { repo: SIDE, number: 999 }, "missing");

	const { id } = await calls.run("forge.comment", { ...comment, body: `${marker}\nhello` });
	for (const body of [`${marker}\r\n\u00e4\u{1f680}`, `${marker}\n`.padEnd(65536, "x")])
		await calls.run("forge.comment", { ...comment, comment_id: id, body });
	await calls.run("forge.comment", { ...comment, body: `${marker}\nfound`, lookup: true });
	await calls.run("forge.comment", { ...comment, comment_id: id + 100000, body: `${marker}\nanew` });
	await calls.run("forge.comment", { ...comment, number: 999, body: marker }, "missing");
	await calls.run("forge.comment.get", { repo: SIDE, comment_id: id });
	await calls.run("forge.comment.get", { repo: SIDE, comment_id: id + 100000 }, "missing");

	for (const content of ["eyes", "eyes", "rocket", "-1", "confused"])
		await calls.run("forge.reaction", { repo: SIDE, comment_id: id, content });
	await calls.run("forge.reaction", { repo: SIDE, comment_id: id + 100000, content: "eyes" }, "missing");

	const status = { repo: SIDE, sha, context: CONTEXT };
	for (const state of ["pending", "success", "failure", "error"])
		await calls.run("forge.status", { ...status, state, description: "\u{1f680}".repeat(140),
						 target_url: "http://127.0.0.1:1/pulls/octo/side/1?a=b" });
	await calls.run("forge.status", { ...status, state: "pending", description: "", target_url: "" });
	await calls.run("forge.status", { ...status, sha: missing, state: "pending" }, "invalid");

	await callRights(calls, sandbox);
	await callReviews(calls, sandbox, number);
	await sandbox.post("hook", { url: NOBODY });
	await callPages(calls, sandbox, tap, number);
	await callDeliveries(calls, sandbox, tap);
	await calls.stop();
	await callStranger(tap, files);
}

// Who may what, and who belongs where.
async function callRights(calls, sandbox) {
	const ask = (login, code, repo = SIDE) =>
		calls.run("forge.permission", { repo, login }, code);
	const belongs = async (login, code) => {
		await calls.run("forge.org_member", { org: ORG, login }, code);
		return calls.run("forge.org_public_member", { org: ORG, login },
				 login === "stranger" ? "ok" : "missing");
	};
	const give = (login, role) =>
		sandbox.post("permissions", { repo: SIDE, login, role });

	for (const role of ["admin", "maintain", "write", "triage", "none", "read"]) {
		await give("contrib", role);
		equal("role_name", (await ask("contrib")).role_name, role);
	}
	await ask("nobody-at-all", "missing");
	await ask("boss", "missing", "octo/none");
	await give("kcibot", "read");
	await ask("boss", "refused");
	await give("kcibot", "admin");

	for (const login of ["stranger", "contrib"])
		await sandbox.post("orgs/members", { org: ORG, login,
						     public: login === "stranger" });
	await belongs("stranger", "ok");
	await belongs("contrib", "missing"); // we are outside
	await sandbox.post("orgs/members", { org: ORG, login: "kcibot" });
	await belongs("contrib", "ok");
	await belongs("boss", "missing");
	await calls.run("forge.org_member", { org: "nowhere", login: "boss" }, "missing");
	await sandbox.post("orgs/members", { org: ORG, login: "kcibot", member: false });
}

// What was said about the code.
async function callReviews(calls, sandbox, number) {
	const pull = { repo: SIDE, number };
	const on = { ...pull, user: "boss" };

	await sandbox.post("reviews", { ...on, event: "APPROVE" });
	for (const event of ["COMMENT", "REQUEST_CHANGES"])
		await sandbox.post("reviews", { ...on, event, body: "hello" });
	const { id } = await sandbox.post("reviews/comments", { ...on, body: "why?" });
	await sandbox.post("reviews/comments", { ...on, body: "so", reply_to: id });
	const all = await calls.run("forge.reviews", pull);
	equal("reviews", all.length, 5);
	await calls.run("forge.reviews", { repo: SIDE, number: 999 }, "missing");

	for (const since of [undefined, "2026-01-01T00:00:00Z"])
		equal("comments on code", (await calls.run("forge.review_comments",
			{ repo: SIDE, since })).length, 2);
	for (const content of ["eyes", "eyes", "confused"])
		await calls.run("forge.review_reaction", { repo: SIDE, comment_id: id, content });
	await calls.run("forge.review_reaction",
			{ repo: SIDE, comment_id: id + 100000, content: "eyes" }, "missing");
}

// More than one page of what a hook was sent, and one of it once more.
async function callDeliveries(calls, sandbox, tap) {
	const [{ id: hook_id }] = await calls.run("forge.hooks", { repo: SIDE });
	const hook = { repo: SIDE, hook_id };

	await until("all webhooks are sent", async () =>
		(await sandbox.get("deliveries")).every((d) => d.status_code));
	const all = await calls.run("forge.deliveries", hook);
	check("all deliveries of two pages are read", all.length > 100, `${all.length}`);
	check("the second page was asked for by its cursor",
	      tap.seen.some((r) => /(^|&)cursor=v1_/.test(r.query)));
	const last = await calls.run("forge.deliveries", { ...hook, since: "2999-01-01T00:00:00Z" });
	equal("deliveries since a time to come", last.length, 100);
	await calls.run("forge.deliveries", { ...hook, hook_id: hook_id + 100000 }, "missing");
	await calls.run("forge.redeliver", { ...hook, delivery_id: all[0].id });
	await calls.run("forge.redeliver", { ...hook, delivery_id: 7 }, "missing");
}

// A listing of more than one page, whole and since a time.
async function callPages(calls, sandbox, tap, number) {
	for (let i = 0; i < 101; i++)
		await sandbox.say(SIDE, number, "stranger", `${i}`);

	const all = await calls.run("forge.comment.list", { repo: SIDE, number });
	check("all comments of two pages are read", all?.length > 101, `${all?.length}`);
	check("the second page was asked for",
	      tap.seen.some((r) => /(^|&)page=2(&|$)/.test(r.query)));
	await calls.run("forge.comments", { repo: SIDE });
	await calls.run("forge.comments", { repo: SIDE, since: "2026-01-01T00:00:00Z" });
}

// With a token that the forge does not know.
async function callStranger(tap, files) {
	const other = join(dirname(files.token), "other");

	writeFileSync(other, "not-the-token\n", { mode: 0o600 });
	const calls = new Calls(tap.url, other);
	await calls.run("forge.self", {}, "refused");
	await calls.stop();
}

const CONFIG = {
	trust: { admins: ["boss"] },
	environments: { staging: {
		projects: [{ repo: REPO, base: "main", branch: "staging" }],
		policy: { settle: "0s", settle_max: "0s", cooldown: "0s", schedule: "0s" },
		recipe: { short: ["build"], full: ["build"] },
		jobs: { nothing: { stage: "build", run: ["/bin/true"] } },
		isolation: "none",
	} },
};

const green = (talk) => talk.statuses.some((s) =>
	s.context === CONTEXT && s.state === "success");

// What people do with a bot, from the first scan to the second.
async function converse(sandbox, bot) {
	await bot.command("trust", "add", "contrib", "--role", "contributor");

	const one = (await open(sandbox, REPO, "contrib", "One")).number;
	const two = (await open(sandbox, REPO, "stranger", "Two")).number;
	const until = (what, number, holds) =>
		sandbox.until(what, REPO, number, holds, bot.child);
	const command = async (number, user, text, content) => {
		const id = await sandbox.say(REPO, number, user, text);

		await until(`${content} for ${user}'s ${text}`, number,
			    (talk) => sandbox.reacted(talk, id, content));
		return id;
	};

	const sticky = (talk, text = "") => talk.comments.some((c) =>
		c.user === "kcibot" && c.body.includes(text) &&
		c.body.startsWith("<!-- kcibot:sticky staging -->"));

	await sandbox.say(REPO, one, "contrib", "@kcibot status");
	await until("a sticky comment for the author", one, sticky);
	await until("a green contributor, unasked", one, green);
	await command(two, "stranger", "@kcibot deploy", "confused");
	await command(two, "boss", "@kcibot deploy", "rocket");
	await until("a green stranger", two, green);
	await command(one, "boss", "@kcibot trigger", "rocket");
	await command(one, "boss", "@kcibot status", "eyes");
	await command(one, "boss", "@kcibot help", "eyes");
	await command(one, "boss", "@kcibot deplyo", "confused");
	const { sha } = await sandbox.post("pulls/push", {
		repo: REPO, number: two, files: { more: "x\n" },
	});
	// Who speaks in the second of the push is asked which head they saw.
	await until("the new head, shown", two, (talk) => sticky(talk, sha));
	await command(two, "boss", "@kcibot deploy", "rocket");
	await sandbox.post("pulls/act", { repo: REPO, number: one, action: "close" });
	await until("a sticky comment", two, sticky);
}

async function serve(dir, files, sandbox, tap) {
	const { clone_url } = await sandbox.get("state");
	const config = await writeConfig(dir, files, {
		api_url: tap.url, clone_url, commit_guard: "0s", reconcile: "1s",
	}, CONFIG);
	const from = tap.seen.length;
	const scans = () => tap.seen.slice(from).filter((r) =>
		r.path === `/repos/${REPO}/issues/comments`).length;

	await sandbox.post("hook", { url: `${config.url}/webhook`,
				     secret: SECRET });
	const bot = await Bot.start(config);

	await bot.until("a first scan", () => scans() > 0);
	await converse(sandbox, bot);
	const before = scans();
	await bot.until("another scan", () => scans() > before);
	await bot.until("an unchanged answer, by its ETag", () =>
		tap.seen.some((r) => r.status === 304));
	await bot.until("nothing left to say", async () =>
		(await bot.metrics()).kcibot_outbox_depth === 0);
	await bot.stop();
}

// The sandbox's other answers, each also for something that is not there.
async function askOthers(sandbox, tap) {
	const send = async (method, path) => {
		const { json } = await ask(tap.url + path, {
			method,
			headers: { Authorization: `Bearer ${TOKEN}`, "User-Agent": US },
		});

		return json;
	};
	const number = 1;
	const repo = REPO;
	const { pull, comments } = await sandbox.talk(repo, number);
	const comment = comments.find((c) => c.reactions.length).id;
	const [{ id: hook }] = await send("GET", `/repos/${repo}/hooks`);
	const [reaction] = await send("GET", `/repos/${repo}/issues/comments/${comment}/reactions`);
	const { id: code } = await sandbox.post("reviews/comments", {
		repo, number, user: "boss", body: "why?" });
	const [delivery] = await send("GET", `/repos/${repo}/hooks/${hook}/deliveries`);
	const there = {
		repo, number, comment, code, hook, sha: pull.head_sha, id: reaction.user.id,
		login: pull.author, reaction: reaction.id, delivery: delivery.id,
	};
	const path = (row, values) => row.path.replace(/\{(\w+)\}/g, (_, name) => values[name]);
	const absent = { ...there, repo: "octo/none", id: 1 };

	for (const row of OTHERS) {
		await send(row.method, path(row, absent));
		await send(row.method, path(row, there));
	}
}

// What the description cannot say of a request of the client.
const MANNERS = [
	["a parameter that GitHub does not know", (r, operation) =>
		[...new URLSearchParams(r.query).keys()].every((name) =>
			operation.query.includes(name))],
	["no name in User-Agent", ({ headers }) =>
		/^kcibot\/\d/.test(headers["user-agent"])],
	["another type in Accept", ({ headers }) =>
		headers.accept === "application/vnd.github+json"],
	["no version of the API", ({ headers }) =>
		headers["x-github-api-version"] === "2022-11-28"],
	["no token", ({ headers }) => /^Bearer \S+$/.test(headers.authorization)],
	["a body, or none", (r, { row }) => (r.body !== "") === row.send.length > 0],
];

function problemsOf(r, operation) {
	const manners = r.headers["user-agent"] === US ? [] : MANNERS;
	const found = manners.filter(([, good]) => !good(r, operation))
		.map(([what]) => what);

	if (r.violations !== undefined || r.status >= 500)
		found.push(`${r.violations} for ${r.body.slice(0, 500)}`);
	return found.map((what) =>
		`\n\t${r.method} ${r.path}?${r.query} -> ${r.status}: ${what}`);
}

function judge(tap, operations) {
	const known = new Map(operations.map((o) => [o, []]));
	const strays = [];

	for (const r of tap.seen) {
		const [operation] = operations.filter((o) =>
			o.method === r.method && o.pattern.test(r.path))
			.sort((a, b) => a.loose - b.loose);

		(known.get(operation) ?? strays).push(r);
	}
	for (const [operation, requests] of known) {
		const { kind } = operation.row;
		const problems = requests.flatMap((r) => problemsOf(r, operation));

		check(`${kind} was called`, requests.length > 0);
		check(`${kind} is as described`, !problems.length,
		      problems.slice(0, 5).join(""));
	}
	check("all calls are in the table", !strays.length,
	      strays.map((r) => `${r.method} ${r.path}`).join(", "));
	console.log(`${tap.seen.length} calls judged by GitHub's description`);
}

export async function openapi() {
	const dir = tempDir();
	const files = writeSecrets(dir);
	const { spec, operations } = cut([...await readTable(), ...OTHERS]);
	const tap = await startTap();
	const sandbox = await Sandbox.start(join(dir, "sandbox"), files, tap.url);
	const { prism, port } = await startPrism(dir, spec, sandbox.url);

	tap.upstream(port);
	await fill(sandbox);
	try {
		await callAll(sandbox, tap, files);
		await serve(dir, files, sandbox, tap);
		await askOthers(sandbox, tap);
	} finally {
		judge(tap, operations); // it may say why
	}
	check("Prism lives", prism.lives(), prism.err);
	await sandbox.stop();
}

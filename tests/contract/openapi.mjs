// Every request of the client and every answer of the sandbox, judged by
// GitHub's own description: client -> tap -> Prism -> sandbox.
import { writeFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { Child, binary, check, endWell, equal, freePort, load, packages, suite,
	 tempDir, until } from "./lib.mjs";
import { Bot, TOKEN, writeConfig, writeSecrets } from "./bot.mjs";
import { Sandbox } from "./sandbox.mjs";
import { cut } from "./spec.mjs";
import { startTap } from "./tap.mjs";

const REPO = "octo/core";
const SIDE = "octo/side"; // not a project of the bot
const CONTEXT = "kcibot/staging";

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
	for (const body of [`${marker}\r\n\u00e4\u{1f680}`, marker.padEnd(65536, "x")])
		await calls.run("forge.comment", { ...comment, comment_id: id, body });
	await calls.run("forge.comment", { ...comment, body: `${marker} found`, lookup: true });
	await calls.run("forge.comment", { ...comment, comment_id: id + 100000, body: `${marker} anew` });
	await calls.run("forge.comment", { ...comment, number: 999, body: marker }, "missing");

	for (const content of ["eyes", "eyes", "rocket", "-1", "confused"])
		await calls.run("forge.reaction", { repo: SIDE, comment_id: id, content });
	await calls.run("forge.reaction", { repo: SIDE, comment_id: id + 100000, content: "eyes" }, "missing");

	const status = { repo: SIDE, sha, context: CONTEXT };
	for (const state of ["pending", "success", "failure", "error"])
		await calls.run("forge.status", { ...status, state, description: "\u{1f680}".repeat(140),
						 target_url: "http://127.0.0.1:1/pulls/octo/side/1?a=b" });
	await calls.run("forge.status", { ...status, state: "pending", description: "", target_url: "" });
	await calls.run("forge.status", { ...status, sha: missing, state: "pending" }, "invalid");

	await callPages(calls, sandbox, tap, number);
	await calls.stop();
	await callStranger(tap, files);
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

const configOf = (state) => ({
	trust: { admins: ["boss"] },
	environments: { staging: {
		projects: [{ repo: REPO, base: "main", branch: "staging" }],
		policy: { settle: "0s", settle_max: "0s", cooldown: "0s", schedule: "0s" },
		recipe: { short: ["build"], full: ["build"] },
		jobs: { nothing: { stage: "build", run: ["/bin/true"] } },
		isolation: "none",
	} },
});

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

	const sticky = (talk) => talk.comments.some((c) =>
		c.user === "kcibot" && c.body.startsWith("<!-- kcibot:sticky staging -->"));

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
	await sandbox.post("pulls/push", { repo: REPO, number: two, files: { more: "x\n" } });
	await command(two, "boss", "@kcibot deploy", "rocket");
	await sandbox.post("pulls/act", { repo: REPO, number: one, action: "close" });
	await until("a sticky comment", two, sticky);
}

async function serve(dir, files, sandbox, tap) {
	const { clone_url } = await sandbox.get("state");
	const config = await writeConfig(dir, files, {
		api_url: tap.url, clone_url, commit_guard: "0s", reconcile: "1s",
	}, configOf());
	const from = tap.seen.length;
	const scans = () => tap.seen.slice(from).filter((r) =>
		r.path === `/repos/${REPO}/issues/comments`).length;

	await sandbox.post("hook", { url: `${config.url}/webhook`,
				     secret: "contract-tests-sign-with-this-secret" });
	const bot = await Bot.start(config);

	await bot.until("a first scan", () => scans() > 0);
	await converse(sandbox, bot);
	const before = scans();
	await bot.until("another scan", () => scans() > before);
	await bot.until("nothing left to say", async () =>
		(await bot.metrics()).kcibot_outbox_depth === 0);
	await bot.stop();
}

// What the description cannot say of a request.
function checkRequest(request, operation) {
	const what = `${request.method} ${request.path}`;
	const { headers } = request;

	for (const name of new URLSearchParams(request.query).keys())
		check(`${what}: GitHub knows the parameter ${name}`,
		      operation.query.includes(name));
	check(`${what} says who it is`, /^kcibot\/\d/.test(headers["user-agent"] ?? ""));
	equal(`${what} accepts`, headers.accept, "application/vnd.github+json");
	equal(`${what} names its version`, headers["x-github-api-version"], "2022-11-28");
	check(`${what} shows a token`, /^Bearer \S+$/.test(headers.authorization ?? ""));
	equal(`${what} has a body only to write`, request.body !== "", request.method !== "GET");
}

function judge(tap, operations) {
	const called = new Set();

	for (const r of tap.seen) {
		const operation = operations.find((o) =>
			o.method === r.method && o.pattern.test(r.path));
		const what = `${r.method} ${r.path}?${r.query} -> ${r.status}`;

		if (!check(`${what} is in the table`, operation))
			continue;
		called.add(operation.row.kind);
		checkRequest(r, operation);
		check(`${what} is as described`,
		      r.violations === undefined && r.status < 500,
		      `${r.violations}\n${r.body.slice(0, 500)}\n${r.answer?.slice(0, 1000)}`);
	}
	for (const { row } of operations)
		check(`${row.kind} was called`, called.has(row.kind));
	console.log(`${tap.seen.length} calls of ${called.size} sorts, described by GitHub`);
}

await suite("openapi", async () => {
	const dir = tempDir();
	const files = writeSecrets(dir);
	const { spec, operations } = cut(await readTable());
	const tap = await startTap();
	const sandbox = await Sandbox.start(join(dir, "sandbox"), files, tap.url);
	const { prism, port } = await startPrism(dir, spec, sandbox.url);

	tap.upstream(port);
	await fill(sandbox);
	await callAll(sandbox, tap, files);
	await serve(dir, files, sandbox, tap);
	judge(tap, operations);
	check("Prism lives", prism.lives(), prism.err);
	await sandbox.stop();
});

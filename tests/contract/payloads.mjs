// Real deliveries of GitHub, and made ones of the sorts that are missing
// among them: all are taken, none kills the bot, none deploys.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { check, equal, later, load, tempDir } from "./lib.mjs";
import { Bot, writeConfig, writeSecrets } from "./bot.mjs";
import { REPO, edges, known } from "./edges.mjs";

const WIDTH = 8; // deliveries under way at a time

// A forge with one pull request that remembers what it was asked.
async function startForge() {
	const calls = [];
	const server = createServer((req, res) => {
		const path = req.url.split("?")[0];
		const list = /\/(pulls|comments|hooks)$/.test(path);
		const user = path.match(/^\/user(s\/(.*))?$/);
		let body = "";

		req.on("data", (d) => (body += d));
		req.on("end", () => {
			calls.push({ method: req.method, path, body });
			if (req.method !== "GET")
				answer(res, 201, { id: calls.length,
						   ...JSON.parse(body) });
			else if (known[path])
				answer(res, 200, known[path]);
			else if (list)
				answer(res, 200, []);
			else if (user)
				answer(res, 200, { login: user[2] ?? "kcibot",
						   id: user[2] ? 7 : 8 });
			else
				answer(res, 404, { message: "Not Found" });
		});
	});

	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	later(() => server.close());
	later(() => server.closeAllConnections());
	return { calls, url: `http://127.0.0.1:${server.address().port}` };
}

function answer(res, status, body) {
	res.writeHead(status, { "Content-Type": "application/json" });
	res.end(JSON.stringify(body));
}

// Every repository of the payloads is a project, so that nothing is put
// aside unread.  Two environments: in one a base branch may be pushed (that
// is a wish, which waits), in the other nothing has to wait.
function environments(repos) {
	const names = new Set();
	const projects = [...repos].filter((repo) => {
		const name = repo.split("/")[1].toLowerCase();

		return !names.has(name) && names.add(name);
	});
	const environment = (base, branch, policy) => ({
		projects: projects.map((repo) => ({ repo, base, branch })),
		labels: { include: "bug" },
		policy,
		recipe: { short: ["build"], full: ["build"] },
		jobs: { nothing: { stage: "build", run: ["/bin/true"] } },
		isolation: "none",
	});

	return {
		patient: environment("master", "patient", { settle: "1d", settle_max: "1d",
						 schedule: "0s" }),
		hasty: environment("nobody-pushes-here", "hasty",
				   { settle: "0s", settle_max: "0s",
				     cooldown: "0s", schedule: "0s" }),
	};
}

async function sendAll(bot, deliveries, want) {
	const left = deliveries.slice();
	const worker = async () => {
		for (let d; (d = left.shift()); ) {
			const { status } = await bot.send(d.event, d.guid, d.body);

			equal(`${d.event} (${d.what}) is answered`, status, want);
		}
	};

	await Promise.all(Array.from({ length: WIDTH }, worker));
}

function countBy(deliveries, known) {
	const ret = {};

	for (const d of deliveries) {
		const event = known.includes(d.event) ? d.event : "other";

		ret[event] = (ret[event] ?? 0) + 1;
	}
	return ret;
}

async function checkQuiet(bot, after) {
	const { json } = await bot.get("/api/v1/status");
	const health = await bot.get("/healthz");

	check(`the bot lives after ${after}`, bot.child.lives(), bot.child.err);
	equal(`/healthz after ${after}`, health.status, 200);
	equal(`environments after ${after}`, json?.environments.length, 2);
	for (const e of json?.environments ?? []) {
		check(`no cycle on ${e.name} after ${after}`,
		      !e.running && !e.deployed && !e.last.length,
		      JSON.stringify(e));
		check(`only base branches wait on ${e.name} after ${after}`,
		      e.queue.every((q) => e.name === "patient" && !q.repo),
		      JSON.stringify(e.queue));
	}
}

function realDeliveries() {
	const definitions = load("@octokit/webhooks-examples");

	return definitions.flatMap(({ name, examples }) =>
		examples.map((payload, i) => ({
			event: name,
			what: `example ${i}`,
			guid: randomUUID(),
			repo: payload.repository?.full_name,
			body: JSON.stringify(payload),
		})));
}

async function testReal(bot, forge, all) {
	equal("payloads in the package", all.length, 329);
	await sendAll(bot, all, 202);
	await bot.untilHandled(all.length);
	await checkQuiet(bot, "the real payloads");

	const counted = await bot.handled();
	const want = countBy(all, Object.keys(counted));
	for (const [event, n] of Object.entries(counted))
		equal(`${event} deliveries counted`, n, want[event] ?? 0);
	check("real payloads write nothing on the forge",
	      forge.calls.every((c) => c.method === "GET"),
	      JSON.stringify(forge.calls.filter((c) => c.method !== "GET")));

	await sendAll(bot, all, 200);
	const samples = await bot.metrics();
	equal("duplicates counted",
	      samples['kcibot_deliveries_total{result="duplicate"}'], all.length);
	console.log(`${all.length} real payloads, each sent twice`);
}

const isReaction = (c) => c.path.endsWith("/reactions") &&
	c.body === '{"content":"confused"}';
const isAnswer = (c) => c.path === `/repos/${REPO}/issues/90/comments`;

// Each refused command gets a reaction, and all together one sentence.
async function testEdges(bot, forge, before) {
	const all = edges().map((d) => ({ guid: randomUUID(), ...d }));

	await sendAll(bot, all, 202);
	await bot.untilHandled(before + all.length);
	const refused = all.filter((d) => d.refused).length;
	await bot.until("strangers are answered", async () =>
		forge.calls.filter(isReaction).length >= refused &&
		(await bot.metrics()).kcibot_outbox_depth === 0);
	await checkQuiet(bot, "the made payloads");

	const writes = forge.calls.filter((c) => c.method !== "GET");
	equal("reactions", writes.filter(isReaction).length, refused);
	equal("comments", writes.filter(isAnswer).length, 1);
	const strays = writes.filter((c) => !isReaction(c) && !isAnswer(c));
	check("strangers move nothing else", !strays.length,
	      JSON.stringify(strays));
	console.log(`${all.length} made payloads`);
}

export async function payloads() {
	const dir = tempDir();
	const forge = await startForge();
	const real = realDeliveries();
	const repos = new Set(real.map((d) => d.repo).filter(Boolean));
	const config = await writeConfig(dir, writeSecrets(dir), {
		api_url: forge.url,
		clone_url: `file://${dir}/none/{repo}.git`,
	}, {
		trust: { admins: ["somebody-else"] },
		environments: environments(repos),
	});
	const bot = await Bot.start(config);

	await testReal(bot, forge, real);
	await testEdges(bot, forge, real.length);
	await bot.stop();
}

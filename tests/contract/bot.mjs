// kcibot as a child process, with a configuration made for a test.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Child, ask, binary, check, endWell, freePort, sign, until } from "./lib.mjs";

export const SECRET = "contract-tests-sign-with-this-secret";
export const TOKEN = "contract-token";

// The secrets that bot and forge share.
export function writeSecrets(dir) {
	const files = { token: join(dir, "token"), secret: join(dir, "secret") };

	writeFileSync(files.token, `${TOKEN}\n`, { mode: 0o600 });
	writeFileSync(files.secret, `${SECRET}\n`, { mode: 0o600 });
	return files;
}

// JSON is YAML.
export async function writeConfig(dir, files, forge, rest) {
	const port = await freePort();
	const path = join(dir, "kcibot.yaml");
	const config = {
		listen: `127.0.0.1:${port}`,
		public_url: `http://127.0.0.1:${port}`,
		state_dir: join(dir, "state"),
		bot: { name: "kcibot" },
		forge: {
			token_file: files.token,
			webhook_secret_file: files.secret,
			...forge,
		},
		...rest,
	};

	writeFileSync(path, JSON.stringify(config, null, 2));
	return { path, url: config.public_url };
}

export class Bot {
	static async start(config) {
		const bot = new Bot();

		bot.config = config;
		bot.child = new Child(binary("KCIBOT"),
				      ["serve", "--config", config.path]);
		await bot.child.says(" listens on ");
		return bot;
	}

	get = (path) => ask(this.config.url + path);

	// A webhook, signed; body is text or bytes.
	send(event, guid, body, headers = {}) {
		return ask(`${this.config.url}/webhook`, {
			method: "POST",
			body,
			headers: {
				"Content-Type": "application/json",
				"User-Agent": "GitHub-Hookshot/contract",
				"X-GitHub-Event": event,
				"X-GitHub-Delivery": guid,
				"X-Hub-Signature-256": sign(SECRET, body),
				...headers,
			},
		});
	}

	// All samples of /metrics: { 'name{label="x"}': 1 }
	async metrics() {
		const { text } = await this.get("/metrics");
		const samples = {};

		for (const line of text.split("\n")) {
			const at = line.lastIndexOf(" ");

			if (at > 0 && !line.startsWith("#"))
				samples[line.slice(0, at)] =
					Number(line.slice(at + 1));
		}
		return samples;
	}

	until(what, condition) {
		return until(what, condition, this.child);
	}

	// How many deliveries the engine has handled, by event.
	async handled() {
		const samples = await this.metrics();
		const ret = {};

		for (const [name, n] of Object.entries(samples)) {
			const m = name.match(/^kcibot_events_total\{event="(\w+)"\}$/);

			if (m)
				ret[m[1]] = n;
		}
		return ret;
	}

	untilHandled(count) {
		return this.until(`${count} deliveries are handled`, async () => {
			const all = Object.values(await this.handled());
			const { kcibot_journal_depth: depth } =
				await this.metrics();

			return depth === 0 &&
				all.reduce((a, b) => a + b, 0) >= count;
		});
	}

	// One of the other subcommands, while it serves.
	async command(...words) {
		const child = new Child(binary("KCIBOT"),
					[...words, "--config", this.config.path]);

		check(`kcibot ${words.join(" ")} works`,
		      (await child.ended) === 0, child.err);
	}

	stop = () => endWell(this.child);
}

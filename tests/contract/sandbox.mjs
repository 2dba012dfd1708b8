// The sandbox as a child process, steered by its control interface.
import { Child, ask, binary, endWell, until } from "./lib.mjs";

export class Sandbox {
	static async start(dir, files, url) {
		const s = new Sandbox();

		s.child = new Child(binary("SANDBOX"), [
			"--dir", dir, "--listen", "127.0.0.1:0", "--url", url,
			"--token-file", files.token, "--secret-file", files.secret,
			"--until-eof",
		]);
		await s.child.says("sandbox ready ");
		s.url = s.child.out.match(/sandbox ready (\S+)/)[1];
		return s;
	}

	async call(path, options) {
		const { status, json, text } =
			await ask(`${this.url}/_sandbox/${path}`, options);

		if (status >= 300)
			throw new Error(`sandbox ${path}: ${status} ${text}`);
		return json;
	}

	get = (path) => this.call(path);
	post = (path, body) => this.call(path, {
		method: "POST",
		body: JSON.stringify(body),
		headers: { "Content-Type": "application/json" },
	});

	// -> { pull, comments, statuses, history }
	talk = (repo, number) => this.get(`conversation?repo=${repo}&number=${number}`);

	say = async (repo, number, user, body) =>
		(await this.post("comments", { repo, number, user, body })).id;

	// Until that holds for the talk on a pull request.
	until(what, repo, number, holds, child) {
		return until(what, async () => {
			const talk = await this.talk(repo, number);

			return holds(talk) && talk;
		}, child);
	}

	reacted = (talk, id, content) => talk.comments.some((c) =>
		c.id === id && c.reactions.some((r) =>
			r.user === "kcibot" && r.content === content));

	stop = () => endWell(this.child);
}

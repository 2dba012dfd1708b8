// The peer: Probot with one handler, as an app for the same work would have
// it.  node probot.mjs PROBOT PORT SECRET API: its module, where to listen,
// the webhook secret and the forge's URL.  It logs errors only.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [module, port, secret, baseUrl] = process.argv.slice(2);
const pino = createRequire(module)("pino");
const { Probot, Server } = await import(pathToFileURL(module).href);

const server = new Server({
	host: "127.0.0.1",
	port: Number(port),
	log: pino({ level: "error" }),
	Probot: Probot.defaults({ githubToken: "bench", secret, baseUrl }),
});

await server.load((app) => {
	app.on("issue_comment.created", async (context) => {
		if (!/^@kcibot\b/im.test(context.payload.comment.body))
			return;
		await context.octokit.rest.pulls.get(context.pullRequest());
	});
});
await server.start();

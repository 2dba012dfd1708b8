// Stands between the client and Prism: passes everything on unchanged, and
// keeps what went by.
import { createServer, request } from "node:http";
import { later } from "./lib.mjs";

const read = async (stream) => {
	const parts = [];

	for await (const part of stream)
		parts.push(part);
	return Buffer.concat(parts);
};

const send = (options, body) => new Promise((done, failed) => {
	const req = request(options, async (res) => done({
		status: res.statusCode,
		headers: res.headers,
		body: await read(res),
	}));

	req.on("error", failed);
	req.end(body);
});

// What Prism has against the request (then the answer is its own) or against
// the answer.
const objection = ({ headers, body }) =>
	headers["content-type"]?.includes("problem+json")
		? body.toString() : headers["sl-violations"];

// -> { url, seen: [{ method, path, query, headers, body, status, answer,
//                    violations }] }; upstream(port) says where it leads.
export async function startTap() {
	const seen = [];
	let upstream;
	const server = createServer(async (req, res) => {
		const [path, query = ""] = req.url.split("?");
		const body = await read(req);
		const entry = { method: req.method, path, query,
				headers: req.headers, body: body.toString() };

		seen.push(entry);
		try {
			const got = await send({
				host: "127.0.0.1", port: upstream,
				method: req.method, path: req.url,
				headers: req.headers,
			}, body);

			entry.status = got.status;
			entry.answer = got.body.toString();
			entry.violations = objection(got);
			delete got.headers["transfer-encoding"];
			delete got.headers.connection;
			res.writeHead(got.status, got.headers);
			res.end(got.body);
		} catch (e) {
			entry.violations = `no answer: ${e}`;
			res.destroy();
		}
	});

	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	later(() => server.close());
	later(() => server.closeAllConnections());
	return {
		url: `http://127.0.0.1:${server.address().port}`,
		seen,
		upstream: (port) => (upstream = port),
	};
}

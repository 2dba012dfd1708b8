// Deliveries that GitHub can send but that nobody has put into a collection,
// and such that only a broken or hostile sender makes.
export const REPO = "Codertocat/Hello-World";
const SHA = "ec26c3e57ca3a959ca5aad62de7213c562f8c821";
const HTML = `https://github.com/${REPO}`;

let nextId = 5000000000; // above 2^32, as GitHub's are

const user = (login, id = 424242, type = "User") => ({ login, id, type });
const repository = () => ({
	id: 186853002, name: "Hello-World", full_name: REPO,
	default_branch: "master", owner: user("Codertocat", 21031067),
});

const pull = (change = {}) => ({
	id: nextId++, number: 90, state: "open", draft: false, merged: false,
	title: "A fork's change", body: "", labels: [],
	created_at: "2026-11-01T10:00:00Z", updated_at: "2026-11-01T10:00:00Z",
	html_url: `${HTML}/pull/90`, user: user("stranger"),
	head: { ref: "fix", sha: SHA, user: user("stranger"),
		repo: { id: 99, full_name: "stranger/Hello-World", fork: true } },
	base: { ref: "master", sha: SHA, repo: repository() },
	...change,
});

const onPull = (change = {}) => ({
	action: "opened", number: 90, pull_request: pull(change),
	repository: repository(), sender: user("stranger"),
});

const comment = (body, change = {}) => ({
	id: nextId++, body, user: user("stranger"),
	created_at: "2026-11-01T10:00:00Z", updated_at: "2026-11-01T10:00:00Z",
	html_url: `${HTML}/pull/90#issuecomment-1`, ...change,
});

const onComment = (body, change = {}) => ({
	action: "created",
	issue: { id: 1, number: 90, state: "open", user: user("stranger"),
		 pull_request: { url: `https://api.github.com/repos/${REPO}/pulls/90` } },
	comment: comment(body), repository: repository(),
	sender: user("stranger"), ...change,
});

const onPush = (change = {}) => ({
	ref: "refs/heads/side", before: SHA, after: SHA, commits: [],
	repository: repository(), sender: user("stranger"), ...change,
});

const text = (o) => JSON.stringify(o);
const without = (o, name) => ({ ...o, [name]: undefined });
const odd = "\u202egnp.exe \u0000 \ud83d\ude00 <!-- --> @everyone ]] ```";

// What the forge itself says.
export const known = { [`/repos/${REPO}/pulls/90`]: pull() };

function pulls() {
	return {
		"from a fork": onPull(),
		"the fork is gone": onPull({ head: { ref: "fix", sha: SHA, user: null, repo: null } }),
		"its author is gone": onPull({ user: null }),
		"without a sender": without(onPull(), "sender"),
		"sender null": { ...onPull(), sender: null },
		"odd title": onPull({ title: odd.replace("\u0000", "") }),
		"NUL in the title": onPull({ title: odd }),
		"labels null": onPull({ labels: null }),
		"a label twice": onPull({ labels: [{ name: "bug" }, { name: "bug" }, null, 7] }),
		"head null": onPull({ head: null }),
		"base null": onPull({ base: null }),
		"a short sha": onPull({ head: { ref: "x", sha: "abc", repo: null } }),
		"a sha of letters": onPull({ head: { ref: "x", sha: "g".repeat(40), repo: null } }),
		"an option for a ref": onPull({ head: { ref: "--upload-pack=x", sha: SHA, repo: null } }),
		"number 0": onPull({ number: 0 }),
		"a negative number": onPull({ number: -1 }),
		"a number as text": onPull({ number: "90" }),
		"a broken number": onPull({ number: 90.5 }),
		"pull_request null": { ...onPull(), pull_request: null },
		"pull_request a list": { ...onPull(), pull_request: [] },
		"repository null": { ...onPull(), repository: null },
		"without a repository": without(onPull(), "repository"),
		"another repository": { ...onPull(), repository: { ...repository(), full_name: "a/../b" } },
		"another action": { ...onPull(), action: "sung_to" },
		"action null": { ...onPull(), action: null },
		"times as numbers": onPull({ created_at: 1, updated_at: 2 }),
		"a long title": onPull({ title: "x".repeat(300000) }),
		"a long branch": onPull({ head: { ref: "r".repeat(70000), sha: SHA, repo: null } }),
	};
}

function comments() {
	return {
		"on a pull": onComment("looks good"),
		"CRLF": onComment("thanks\r\n\r\nall good\r\n"),
		"a quoted command": onComment("> @kcibot deploy\r\n\r\nwhy?"),
		"a command in code": onComment("```\r\n@kcibot deploy\r\n```"),
		"a stranger's command": onComment("@kcibot deploy"),
		"and with CRLF": onComment("hello\r\n@kcibot trigger\r\n"),
		"and of a bot": onComment("@kcibot deploy", { comment: comment("@kcibot deploy", { user: user("x[bot]", 5, "Bot") }) }),
		"and in another's name": onComment("@kcibot deploy", { sender: user("other", 5) }),
		"user null": onComment("", { comment: comment("@kcibot deploy", { user: null }) }),
		"without a sender": without(onComment("@kcibot deploy"), "sender"),
		"body null": onComment(null),
		"body a number": onComment(17),
		"an empty body": onComment(""),
		"comment null": onComment("", { comment: null }),
		"issue null": onComment("@kcibot deploy", { issue: null }),
		"an edit": { ...onComment("@kcibot deploy"), action: "edited" },
		"a deletion": { ...onComment("@kcibot deploy"), action: "deleted" },
		"odd text": onComment(`@kcibot deploy ${odd.replace("\u0000", "")}`),
		"as long as can be": onComment("@kcibot " + "\u00e4".repeat(65000)),
		"many commands": onComment("@kcibot deploy\n".repeat(9)),
		"id 0": onComment("", { comment: comment("@kcibot deploy", { id: 0 }) }),
		"a negative id": onComment("", { comment: comment("@kcibot deploy", { id: -7 }) }),
		"an id as text": onComment("", { comment: comment("@kcibot deploy", { id: "8" }) }),
		"no times": onComment("", { comment: comment("@kcibot deploy", { created_at: null, updated_at: null }) }),
	};
}

// Those of them that are heard, and then refused.
const refused = new Set([
	"a stranger's command", "and with CRLF", "odd text",
	"many commands", "no times",
]);

function pushes() {
	return {
		"to a side branch": onPush(),
		"a tag": onPush({ ref: "refs/tags/v1" }),
		"a deletion": onPush({ deleted: true, after: "0".repeat(40) }),
		"ref null": onPush({ ref: null }),
		"ref a number": onPush({ ref: 4 }),
		"without a repository": without(onPush(), "repository"),
		"head_commit null": onPush({ head_commit: null }),
	};
}

// The event's name is not signed: a body under another's name.
function misnamed() {
	return [
		["pull_request", onComment("@kcibot deploy")],
		["issue_comment", onPull()],
		["push", onPull()],
		["issue_comment", onPush()],
		["pull_request", onPush()],
		["pull_request_review", onComment("@kcibot deploy")],
		["no_such_event", onPull()],
		["x".repeat(128), onPull()],
		["%s%n../../etc", onPull()],
	].map(([event, body]) => ({ event, what: "misnamed", body: text(body) }));
}

const big = (n) => text(onComment("looks good")).replace(/"id":5\d+/, `"id":${n}`);

function texts() {
	return {
		"an id above 2^53": big("9007199254740993"),
		"an id of 2^63-1": big("9223372036854775807"),
		"an id of 2^63": big("9223372036854775808"),
		"an id of a thousand digits": big("9".repeat(1000)),
		"an id with an exponent": big("1e400"),
		"a list": "[]",
		"null": "null",
		"a text": '"x"',
		"an empty object": "{}",
		"nothing": "",
		"half of it": text(onComment("x")).slice(0, 200),
		"something after it": `${text(onComment("x"))} {}`,
		"a byte order mark": `\ufeff${text(onComment("x"))}`,
		"a name twice": `{"action":"created",${text(onComment("@kcibot deploy")).slice(1)}`,
		"half a surrogate": '{"action":"\\ud800"}',
		"bytes that are no UTF-8": Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
		"NUL bytes": Buffer.alloc(4096),
		"deep lists": "[".repeat(200000) + "]".repeat(200000),
		"deep objects": '{"a":'.repeat(100000) + "1" + "}".repeat(100000),
		"24 MB of {},": `[${"{},".repeat(8 << 20)}{}]`,
		"24 MB of text": `{"comment":{"body":"${"x".repeat(24 << 20)}"}}`,
	};
}

const each = (event, table) =>
	Object.entries(table).map(([what, body]) => ({
		event, what,
		refused: event === "issue_comment" && refused.has(what),
		body: typeof body === "string" || Buffer.isBuffer(body) ? body : text(body),
	}));

export const edges = () => [
	...each("pull_request", pulls()),
	...each("issue_comment", comments()),
	...each("push", pushes()),
	...each("issue_comment", texts()),
	...misnamed(),
];

// What both suites need: checks that count, processes that end, waiting.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Only a failing test waits so long.
export const WAIT_MS = 60000;

// Packages lie in a cache beside the build, not beside these files.
export const packages = process.env.KCIBOT_NPM_CACHE ?? "build/npm";
export const load = createRequire(join(process.cwd(), packages, "x.js"));

export function binary(name) {
	const path = process.env[name];

	if (!path)
		throw new Error(`${name} must name a program`);
	return path;
}

let passed = 0;
let failed = 0;
const broken = [];

export function check(what, ok, detail = "") {
	if (ok) {
		passed++;
	} else {
		const line = `not ok: ${what}${detail && `: ${detail}`}`;

		failed++;
		broken.push(line.split("\n")[0].slice(0, 300));
		console.log(line);
	}
	return ok;
}

export const equal = (what, got, want) =>
	check(what, got === want,
	      `${JSON.stringify(got)} instead of ${JSON.stringify(want)}`);

const atEnd = [];
export const later = (f) => atEnd.push(f);

// Also what is broken off leaves no process and no folder behind.
const remains = new Set();
process.on("exit", () => [...remains].reverse().forEach((f) => f()));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
	process.on(signal, () => process.exit(1));

function atLast(f) {
	remains.add(f);
	later(() => remains.delete(f) && f());
}

export function tempDir() {
	const dir = mkdtempSync(join(process.env.TMPDIR ?? tmpdir(), "kcibot-"));

	atLast(() => rmSync(dir, { recursive: true, force: true }));
	return dir;
}

// Runs a suite: whatever it throws is a failure, whatever it started ends.
export async function suite(name, body) {
	const before = { passed, failed };

	console.log(`== ${name}`);
	try {
		await body();
	} catch (e) {
		check(name, false, e.stack);
	}
	if (failed > before.failed)
		Child.showAll();
	while (atEnd.length)
		await atEnd.pop()();
	Child.all = [];
	console.log(`${name}: ${passed - before.passed} passed, ` +
		    `${failed - before.failed} failed`);
}

// The last line, and the exit code; what failed again, below the logs.
export function finish() {
	for (const line of broken.slice(0, 10))
		console.log(line);
	console.log(`${passed} passed, ${failed} failed`);
	process.exit(failed || !passed ? 1 : 0);
}

export async function freePort() {
	const s = createServer();

	await new Promise((done) => s.listen(0, "127.0.0.1", done));
	const { port } = s.address();
	await new Promise((done) => s.close(done));
	return port;
}

// Looks until the condition gives something true, and returns that.
// A child that dies meanwhile ends the waiting.
export async function until(what, condition, child) {
	const end = Date.now() + WAIT_MS;

	for (;;) {
		const got = await condition();

		if (got)
			return got;
		if (Date.now() > end)
			throw new Error(`waited in vain for: ${what}`);
		if (child && !child.lives())
			throw new Error(`${child.name} died before: ${what}\n` +
					child.err.slice(-4000));
		await new Promise((done) => setTimeout(done, 25));
	}
}

// A child whose output is kept.
export class Child {
	static all = [];

	static showAll() {
		for (const child of Child.all)
			console.log(`--- ${child.name} said last:\n` +
				    `${child.err.slice(-4000)}`);
	}

	constructor(program, args, env = {}) {
		this.name = program.split("/").pop();
		this.out = "";
		this.err = "";
		this.code = null;
		Child.all.push(this);
		this.process = spawn(program, args, {
			stdio: ["pipe", "pipe", "pipe"],
			env: { ...process.env, ...env },
		});
		this.process.stdin.on("error", () => {});
		this.process.stdout.on("data", (d) => (this.out += d));
		this.process.stderr.on("data", (d) => (this.err += d));
		this.ended = new Promise((done) => {
			const end = (code) => done((this.code = code));

			this.process.on("close", (code, signal) =>
				end(code ?? signal));
			this.process.on("error", (e) => {
				this.err += `${e}\n`;
				end("no start");
			});
		});
		later(() => this.stop("SIGKILL"));
		atLast(() => this.lives() && this.process.kill("SIGKILL"));
	}

	lives() {
		return this.code === null;
	}

	says(text) {
		return until(`${this.name} says ${text}`,
			     () => this.out.includes(text) ||
				     this.err.includes(text), this);
	}

	async stop(signal = "SIGTERM") {
		if (this.lives())
			this.process.kill(signal);
		return this.ended;
	}
}

// What AddressSanitizer, LeakSanitizer and UBSan print.
const SANITIZER = /Sanitizer|runtime error:/;

// Ends it by SIGTERM: it must go in peace.
export async function endWell(child) {
	equal(`${child.name} ends by SIGTERM with`, await child.stop(), 0);
	check(`${child.name} has no complaint of a sanitizer`,
	      !SANITIZER.test(child.err),
	      child.err.slice(Math.max(0, child.err.search(SANITIZER)))
		      .slice(0, 2000));
}

export const sign = (secret, body) =>
	`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

export async function ask(url, options = {}) {
	const answer = await fetch(url, options);
	const text = await answer.text();
	let json;

	try {
		json = JSON.parse(text);
	} catch {
		json = undefined;
	}
	return { status: answer.status, headers: answer.headers, text, json };
}

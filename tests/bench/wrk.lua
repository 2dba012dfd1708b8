-- What wrk sends: comments that were signed beforehand, each with an id of
-- its own and with a new delivery GUID.
--
--	wrk -s wrk.lua URL -- BODY FIRST right|wrong
--
-- BODY.head and BODY.tail hold the JSON around the id, BODY.signed an id and
-- its signature per line; FIRST keeps the GUIDs of several runs apart.

local head, tail
local ids, signatures = {}, {}
local first, sent = 0, 0
local wrong = string.rep("0", 64)
local headers = {
	["Content-Type"] = "application/json",
	["User-Agent"] = "GitHub-Hookshot/bench",
	["X-GitHub-Event"] = "issue_comment",
}

local function read(path)
	local f = assert(io.open(path, "rb"))
	local text = f:read("*a")

	f:close()
	return text
end

function init(args)
	head = read(args[1] .. ".head")
	tail = read(args[1] .. ".tail")
	for line in io.lines(args[1] .. ".signed") do
		local id, signature = line:match("^(%d+) (%x+)$")

		ids[#ids + 1] = id
		signatures[#signatures + 1] = signature
	end
	first = tonumber(args[2])
	if args[3] == "wrong" then
		for n = 1, #signatures do
			signatures[n] = wrong
		end
	end
end

function request()
	local n = sent % #ids + 1

	sent = sent + 1
	headers["X-GitHub-Delivery"] =
		string.format("%08x-0000-4000-8000-%012x", first, sent)
	headers["X-Hub-Signature-256"] = "sha256=" .. signatures[n]
	return wrk.format("POST", nil, headers, head .. ids[n] .. tail)
end

-- One line for the program that started us; times in microseconds.
function done(summary, latency)
	local e = summary.errors

	io.write(string.format("bench %d %d %d %d %d %d\n",
		summary.requests, summary.duration, latency:percentile(50),
		latency:percentile(99), e.status,
		e.connect + e.read + e.write + e.timeout))
end

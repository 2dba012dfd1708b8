#include "bot/config_schema.h"

#include "bot/base/limits.h"
#include "bot/config.h"

#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define ROWS(table) .fields = (table), .field_count = ARRAY_SIZE(table)
#define AT(type, member) .at = offsetof(struct type, member)
#define LIST_AT(type, member, count)                                           \
	AT(type, member), .count_at = offsetof(struct type, count)

/* Sections stand before what holds them: read from the end for the whole. */

static const struct field bot_rows[] = {
	{"name", FIELD_TEXT, AT(config, bot_name), .absent = "kcibot",
	 .check = value_login, .form = "login",
	 .help = "The mention that the bot answers to, without `@`: the login "
		 "of the account that the token belongs to."},
};
static const struct section bot_section = {ROWS(bot_rows)};

static const struct field app_rows[] = {
	{"id", FIELD_ID, .required = true, AT(config, app_id), .min = 1,
	 .max = 999999999, .help = "Number of the app."},
	{"installation", FIELD_ID, .required = true,
	 AT(config, app_installation), .min = 1, .max = 999999999,
	 .help = "Number of its installation."},
	{"key_file", FIELD_FILE, .required = true, AT(config, app_key_file),
	 .help = "The app's private key (PEM)."},
};
static const struct section app_section = {ROWS(app_rows)};

static const struct field forge_rows[] = {
	{"api_url", FIELD_BASE_URL, AT(config, api_url),
	 .absent = "https://api.github.com", .check = value_base_url,
	 .form = "URL",
	 .help = "Of the REST API; for GitHub Enterprise Server "
		 "`https://HOST/api/v3`. The token is sent there, so plain "
		 "`http` to another machine is warned of."},
	{"clone_url", FIELD_TEXT, AT(config, clone_url),
	 .absent = "https://github.com/{repo}.git", .check = value_clone_url,
	 .form = "URL with `{repo}`",
	 .help = "Where git fetches and pushes; `{repo}` becomes OWNER/NAME. "
		 "`https`, `http` or `file:///`."},
	{"token_file", FIELD_FILE, AT(config, token_file),
	 .help = "Holds the token of the bot's account and nothing else. Must "
		 "be given, as `app` is not supported yet."},
	{"app", FIELD_SECTION, .section = &app_section,
	 .help = "A GitHub App in place of a token. Not supported yet: use "
		 "`token_file`."},
	{"webhook_secret_file", FIELD_FILE, .required = true,
	 AT(config, webhook_secret_file),
	 .help = "Holds the secret of the webhook, at least 32 bytes. While "
		 "it is being changed a second line holds the old one."},
	{"commit_guard", FIELD_SPAN, AT(config, commit_guard_ms),
	 .absent = "10s", .max = 10 * MINUTE,
	 .help = "A command without a SHA runs only if the head was known for "
		 "this long when it was written, so that its author can have "
		 "seen it; also the most that the forge's clock and ours may "
		 "differ. `0s` asks only that it was known."},
	{"reconcile", FIELD_SPAN, AT(config, reconcile_ms), .absent = "5m",
	 .min = SECOND, .max = DAY,
	 .help = "How often the bot looks for events whose webhook never "
		 "came."},
};
static const struct section forge_section = {ROWS(forge_rows)};

static const struct field trust_rows[] = {
	{"admins", FIELD_TEXTS, AT(config, admins), .max = 100,
	 .check = value_login, .form = "list of logins",
	 .help = "The first admins. They seed an empty trust table and mean "
		 "nothing afterwards: see `kcibot trust`."},
	{"permission", FIELD_TEXT, AT(config, trust_permission), .absent = "",
	 .check = value_permission,
	 .form = "`read`, `triage`, `write`, `maintain` or `admin`",
	 .help = "Who commands in a comment must also have at least this "
		 "permission on the repository at the forge. Absent: the trust "
		 "table alone decides."},
};
static const struct section trust_section = {ROWS(trust_rows)};

static const struct field project_rows[] = {
	{"repo", FIELD_TEXT, .required = true, AT(project, repo),
	 .check = value_repo, .form = "OWNER/NAME",
	 .help = "The repository. Its name becomes a folder of every job's "
		 "checkout, so no two may have the same."},
	{"base", FIELD_TEXT, AT(project, base), .absent = "main",
	 .check = value_branch, .form = "branch",
	 .help = "The branch that pull requests must aim at, and that they "
		 "are merged onto."},
	{"branch", FIELD_TEXT, .required = true, AT(project, branch),
	 .check = value_branch, .form = "branch",
	 .help = "The staging branch. The bot force-pushes it; nobody else "
		 "should."},
};
static const struct section project_section = {
	ROWS(project_rows),
	.size = sizeof(struct project),
};

static const struct field label_rows[] = {
	{"skip", FIELD_TEXT, AT(environment, label_skip),
	 .absent = "staging-skip", .check = value_label, .form = "label",
	 .help = "Keeps a pull request out. `\"\"`: no such label."},
	{"include", FIELD_TEXT, AT(environment, label_include), .absent = "",
	 .check = value_label, .form = "label",
	 .help = "Takes a pull request in that aims at another branch than "
		 "`base`. `\"\"`: no such label."},
};
static const struct section label_section = {ROWS(label_rows)};

static const struct field policy_rows[] = {
	{"settle", FIELD_SPAN, AT(policy, settle_ms), .absent = "5m",
	 .max = DAY,
	 .help = "After a push or another event the bot waits this long for "
		 "more of them."},
	{"settle_max", FIELD_SPAN, AT(policy, settle_max_ms), .absent = "20m",
	 .max = 7 * DAY,
	 .help = "... but no longer than this after the first of them."},
	{"cooldown", FIELD_SPAN, AT(policy, cooldown_ms), .absent = "30m",
	 .max = 30 * DAY,
	 .help = "Pause between the end of a cycle and the next one that "
		 "nobody asked for."},
	{"full_interval", FIELD_SPAN, AT(policy, full_interval_ms),
	 .absent = "6h", .max = 30 * DAY,
	 .help = "At least so long between two full cycles, counted from the "
		 "end of the last."},
	{"restart_limit", FIELD_INT, AT(policy, restart_limit), .absent = "1",
	 .max = 10,
	 .help = "How often a running short cycle starts anew for what came "
		 "meanwhile."},
	{"schedule", FIELD_SPAN, AT(policy, schedule_ms), .absent = "8h",
	 .max = 30 * DAY,
	 .help = "After so long without a cycle one starts by itself, if there "
		 "is something new. `0s`: none."},
	{"max_batch", FIELD_INT, AT(policy, max_batch), .absent = "20",
	 .min = 1, .max = 200,
	 .help = "At most so many pull requests on board at a time. Who finds "
		 "no place comes first next time."},
	{"stale_after", FIELD_SPAN, AT(policy, stale_after_ms), .absent = "14d",
	 .min = SECOND, .max = 3650 * DAY,
	 .help = "A pull request without activity for so long is left out "
		 "until something happens on it."},
};
static const struct section policy_section = {ROWS(policy_rows)};

static const struct field recipe_rows[] = {
	{"short", FIELD_TEXTS, .required = true, AT(environment, recipe_short),
	 .min = 1, .max = LIMIT_STAGES, .check = value_word,
	 .form = "list of stages",
	 .help = "The stages of a short cycle, in order. The jobs of a stage "
		 "run together."},
	{"full", FIELD_TEXTS, .required = true, AT(environment, recipe_full),
	 .min = 1, .max = LIMIT_STAGES, .check = value_word,
	 .form = "list of stages", .help = "The stages of a full cycle."},
};
static const struct section recipe_section = {ROWS(recipe_rows)};

static const struct field changed_rows[] = {
	{NULL, FIELD_TEXTS, AT(job_changed, globs), .min = 1, .max = 200,
	 .check = value_glob, .form = "list of path patterns",
	 .help = "The job runs when a changed path of this repository matches "
		 "one of them. The repository is one of the `projects`."},
};
static const struct section changed_section = {
	ROWS(changed_rows),
	.size = sizeof(struct job_changed),
	.key_form = "OWNER/NAME",
	.key_check = value_repo,
	.key_at = offsetof(struct job_changed, repo),
};

static const struct field secret_rows[] = {
	{NULL, FIELD_FILE, AT(job_secret, file),
	 .help = "The content of this file, without the line break at its end, "
		 "is the variable's value."},
};
static const struct section secret_section = {
	ROWS(secret_rows),
	.size = sizeof(struct job_secret),
	.key_form = "VARIABLE",
	.key_check = value_variable,
	.key_at = offsetof(struct job_secret, name),
};

static const struct field expect_rows[] = {
	{"status", FIELD_INT, AT(http_check, expect_status), .absent = "200",
	 .min = 100, .max = 599, .help = "The status of the answer."},
	{"json", FIELD_JSON, AT(http_check, expect_json),
	 .help = "The answer must be JSON that holds at least these members, "
		 "or is this value. In a `drain` job: where the count lies "
		 "that must become 0, as `0` (the answer is the number) or "
		 "`{items: {running: 0}}`. Absent there: `0`."},
};
static const struct section expect_section = {ROWS(expect_rows)};

static const struct field http_rows[] = {
	{"url", FIELD_TEXT, .required = true, AT(http_check, url),
	 .check = value_url, .form = "URL", .help = "What is asked, by GET."},
	{"expect", FIELD_SECTION, .section = &expect_section,
	 .help = "What makes an answer good."},
	{"tries", FIELD_INT, AT(http_check, tries), .absent = "30", .min = 1,
	 .max = 10000,
	 .help = "So often it may fail before the job does. A `drain` "
		 "job asks until its time is over."},
	{"every", FIELD_SPAN, AT(http_check, every_ms), .absent = "10s",
	 .max = HOUR, .help = "Pause between two tries."},
};
static const struct section http_section = {
	ROWS(http_rows),
	.size = sizeof(struct http_check),
};

static const char *const classes[] = {
	[JOB_CODE] = "code",   [JOB_PREPARE] = "prepare", [JOB_DRAIN] = "drain",
	[JOB_STATE] = "state", [JOB_STATE + 1] = NULL,
};

static const struct field job_rows[] = {
	{"stage", FIELD_TEXT, AT(job_spec, stage), .absent = "",
	 .check = value_word, .form = "stage",
	 .help = "When it runs: with the other jobs of this stage of the "
		 "`recipe`. Required, but for `drain` jobs, which run before "
		 "the first stage that drains, whatever they say here."},
	{"changed", FIELD_NAMED, LIST_AT(job_spec, changed, changed_count),
	 .max = 100, .section = &changed_section,
	 .help = "Run only when one of these paths changed. Absent: always."},
	{"run", FIELD_TEXTS, AT(job_spec, run), .lines = true, .min = 1,
	 .max = 200, .form = "list: a program and its arguments",
	 .help = "Never a line for a shell. The program is an absolute path, a "
		 "name found in `PATH`, or a path into the checkout that "
		 "begins with the name of a project. In the arguments "
		 "`{cycle}`, "
		 "`{kind}` and `{environment}` are replaced. A job has either "
		 "`run` or `http`."},
	{"http", FIELD_OBJECT, AT(job_spec, http), .section = &http_section,
	 .help = "A question to the service that was deployed, in place of a "
		 "program."},
	{"timeout", FIELD_SPAN, AT(job_spec, timeout_ms), .absent = "30m",
	 .min = SECOND, .max = DAY,
	 .help = "Then the job is ended. When a `drain` job is, the deploy "
		 "goes on."},
	{"full_timeout", FIELD_SPAN, AT(job_spec, full_timeout_ms),
	 .absent = "6h", .max = DAY,
	 .help = "Of `drain` jobs: while they know that something runs, they "
		 "wait beyond `timeout` until the last full cycle ended so "
		 "long ago, for it may be what that began. `0s`: they do "
		 "not."},
	{"secrets", FIELD_NAMED, LIST_AT(job_spec, secrets, secret_count),
	 .max = 50, .section = &secret_section,
	 .help = "Only this job sees them. If one is missing the job is not "
		 "started."},
	{"class", FIELD_CHOICE, AT(job_spec, job_class), .absent = "code",
	 .choices = classes,
	 .help = "What a failure says: `code` speaks about the pull requests, "
		 "`prepare` about the infrastructure, and so does `drain`. "
		 "`drain` jobs run once, before the first stage with a job "
		 "that says `drains`. `state` touches what a rollback cannot "
		 "take back, which has no effect yet."},
	{"drains", FIELD_BOOL, AT(job_spec, drains), .absent = "false",
	 .help = "Jobs of class `drain` run before its stage, unless "
		 "`changed` leaves this one out."},
	{"backend", FIELD_TEXT, AT(job_spec, backend), .absent = "",
	 .check = value_backend, .form = "`local`",
	 .help = "What runs it. Absent: the environment's."},
};
static const struct section job_section = {
	ROWS(job_rows),
	.size = sizeof(struct job_spec),
	.key_form = "NAME",
	.key_check = value_word,
	.key_at = offsetof(struct job_spec, name),
};

static const struct field grant_rows[] = {
	{"for", FIELD_SPAN, AT(grants, for_ms), .absent = "7d", .min = MINUTE,
	 .max = 365 * DAY,
	 .help = "How long a maintainer's `deploy` permits the revision of "
		 "an author who is not trusted."},
	{"sensitive", FIELD_TEXTS, AT(grants, sensitive), .max = 200,
	 .check = value_glob, .form = "list of path patterns",
	 .help = "A revision that changes one of these paths, in capital or "
		 "small letters, is deployed only on the word of a "
		 "`sensitive_role` for exactly this revision, whoever its "
		 "author is."},
	{"sensitive_role", FIELD_TEXT, AT(grants, sensitive_role),
	 .absent = "admin", .check = value_trust_role,
	 .form = "`admin` or `maintainer`",
	 .help = "Whose `deploy` or `trigger` that is, at least."},
};
static const struct section grant_section = {ROWS(grant_rows)};

static const struct field freeze_rows[] = {
	{"from", FIELD_MOMENT, .required = true, AT(freeze, from_minute),
	 .help = "Begin, every week."},
	{"to", FIELD_MOMENT, .required = true, AT(freeze, to_minute),
	 .help = "End. It may lie in the next week."},
	{"zone", FIELD_TEXT, AT(freeze, zone), .absent = "UTC",
	 .check = value_zone, .form = "time zone",
	 .help = "Whose clock that is, such as `Europe/Berlin`. What it shows "
		 "decides: an hour that is skipped in spring is in no window, "
		 "one that comes twice in autumn is in it twice."},
	{"reason", FIELD_TEXT, AT(freeze, reason), .absent = "", .max = 200,
	 .form = "text", .help = "What people who wait are told."},
};
static const struct section freeze_section = {
	ROWS(freeze_rows),
	.size = sizeof(struct freeze),
};

static const struct field blame_rows[] = {
	{"probes", FIELD_INT, AT(blame, probes), .absent = "8", .max = 100,
	 .help = "At most so many deploys to find the revision that broke a "
		 "cycle. `0`: no search."},
	{"minutes", FIELD_MINUTES, AT(blame, budget_ms), .absent = "90",
	 .max = 7 * 24 * 60, .help = "And at most so many minutes."},
	{"full", FIELD_BOOL, AT(blame, full), .absent = "false",
	 .help = "Search also when only the full part failed."},
	{"confidence", FIELD_NUMBER, AT(blame, confidence), .absent = "0.99",
	 .min = 500, .max = 999,
	 .help = "How sure the bot must be before it names somebody."},
	{"environment", FIELD_TEXT, AT(blame, environment), .absent = "",
	 .check = value_environment, .form = "environment",
	 .help = "Where probes run. Absent or `\"\"`: here."},
};
static const struct section blame_section = {ROWS(blame_rows)};

static const struct field environment_rows[] = {
	{"projects", FIELD_LIST, .required = true,
	 LIST_AT(environment, projects, project_count), .min = 1, .max = 50,
	 .section = &project_section,
	 .help = "The repositories, merged and pushed in this order."},
	{"labels", FIELD_SECTION, .section = &label_section,
	 .help = "Labels that contributors steer with."},
	{"policy", FIELD_SECTION, AT(environment, policy),
	 .section = &policy_section, .help = "When a cycle starts."},
	{"recipe", FIELD_SECTION, .required = true, .section = &recipe_section,
	 .help = "What a cycle does."},
	{"jobs", FIELD_NAMED, LIST_AT(environment, jobs, job_count), .max = 200,
	 .section = &job_section, .help = "The work of the stages."},
	{"backend", FIELD_TEXT, AT(environment, backend), .absent = "local",
	 .check = value_backend, .form = "`local`",
	 .help = "What runs the jobs that name none."},
	{"isolation", FIELD_TEXT, AT(environment, isolation_user), .absent = "",
	 .check = value_isolation,
	 .form = "`bubblewrap`, `user:NAME` or `none`",
	 .help = "What keeps the code of pull requests from the bot's files. "
		 "Absent: the strongest that the machine offers."},
	{"grants", FIELD_SECTION, AT(environment, grants),
	 .section = &grant_section,
	 .help = "Permissions for the code of unverified authors."},
	{"freeze", FIELD_LIST, LIST_AT(environment, freezes, freeze_count),
	 .max = 50, .section = &freeze_section,
	 .help = "Times at which nothing starts; what runs goes on to its "
		 "end."},
	{"blame", FIELD_SECTION, AT(environment, blame),
	 .section = &blame_section,
	 .help = "The search for the revision that broke a cycle. No effect "
		 "yet."},
};
static const struct section environment_section = {
	ROWS(environment_rows),
	.size = sizeof(struct environment),
	.key_form = "NAME",
	.key_check = value_name,
	.key_at = offsetof(struct environment, name),
};

static const struct field config_rows[] = {
	{"listen", FIELD_TEXT, AT(config, listen_host),
	 .absent = "127.0.0.1:8080", .check = value_listen, .form = "HOST:PORT",
	 .help = "Where webhooks and pages are served, without TLS: put a web "
		 "server in front. Port `0` takes a free one."},
	{"public_url", FIELD_BASE_URL, AT(config, public_url), .absent = "",
	 .check = value_base_url, .form = "URL",
	 .help = "The same place as seen from outside: for links, and to know "
		 "our webhook by. Absent: `http://` and `listen`."},
	{"state_dir", FIELD_TEXT, .required = true, AT(config, state_dir),
	 .check = value_folder, .form = "absolute path",
	 .help = "Folder of the databases, the git mirrors and the job logs."},
	{"bot", FIELD_SECTION, .section = &bot_section, .help = "Who it is."},
	{"forge", FIELD_SECTION, .required = true, .section = &forge_section,
	 .help = "GitHub, and how to reach it."},
	{"trust", FIELD_SECTION, .section = &trust_section,
	 .help = "Who may command, at first."},
	{"environments", FIELD_NAMED, .required = true,
	 LIST_AT(config, environments, environment_count), .min = 1, .max = 50,
	 .section = &environment_section,
	 .help = "What is deployed to, each with its own queue."},
};
const struct section config_schema = {
	ROWS(config_rows),
	.size = sizeof(struct config),
};

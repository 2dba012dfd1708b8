#include "bot/config_diff.h"

#include <string.h>

#include "bot/base/limits.h"

/* Of a value so much is shown. */
#define VALUE_BYTES 100
/* A key is made of what stands in the file. */
#define KEY_BYTES (2 * (size_t)LIMIT_CONFIG_FILE)

/* --- listing --- */

/* A walk over the file: first it counts, then it fills. */
struct walk {
	struct config *c;
	struct config_setting *list; /* NULL: count only */
	size_t count;
	struct str key;
};

static void visit(struct walk *w, const struct ynode *n);

static void visit_inner(struct walk *w, const struct ynode *n)
{
	size_t len = w->key.len, i = 0;

	for (const struct ynode *x = n->first; x; x = x->next, i++) {
		if (n->kind == YNODE_LIST)
			str_addf(&w->key, "[%zu]", i);
		else
			str_addf(&w->key, "%s%s", len ? "." : "", x->key);
		visit(w, x);
		str_truncate(&w->key, len);
	}
}

static void visit(struct walk *w, const struct ynode *n)
{
	if (n->kind != YNODE_TEXT && n->first) {
		visit_inner(w, n);
		return;
	}
	if (w->list) {
		const char *value = n->kind == YNODE_TEXT ? n->text : "(empty)";

		w->list[w->count] = (struct config_setting){
			.key = arena_text(&w->c->arena, w->key.text,
					  w->key.len),
			.value = arena_text(&w->c->arena, value, strlen(value)),
		};
	}
	w->count++;
}

void config_list_settings(struct config *c, const struct ynode *root)
{
	struct walk w = {.c = c, .key = STR_INIT(KEY_BYTES)};

	visit(&w, root);
	w.list = arena_alloc(&c->arena, w.count, sizeof(*w.list));
	if (w.list) {
		w.count = 0;
		visit(&w, root);
		c->settings = w.list;
		c->setting_count = w.count;
	}
	str_release(&w.key);
}

/* --- comparing --- */

/* guess: where it is when little has changed. */
static const struct config_setting *find(const struct config *c,
					 const char *key, size_t guess)
{
	if (guess < c->setting_count &&
	    strcmp(c->settings[guess].key, key) == 0)
		return &c->settings[guess];
	for (size_t i = 0; i < c->setting_count; i++)
		if (strcmp(c->settings[i].key, key) == 0)
			return &c->settings[i];
	return NULL;
}

static void add_value(struct str *out, const char *value)
{
	size_t len = strlen(value);
	size_t cut = str_utf8_cut(value, len, VALUE_BYTES);

	str_add(out, value, cut);
	str_puts(out, cut < len ? "..." : "");
}

/* Calls each() for every key that differs; a or b is NULL where it is not. */
static size_t compare(const struct config *from, const struct config *to,
		      void (*each)(struct str *out,
				   const struct config_setting *a,
				   const struct config_setting *b),
		      struct str *out)
{
	size_t count = 0;

	for (size_t i = 0; i < to->setting_count; i++) {
		const struct config_setting *b = &to->settings[i];
		const struct config_setting *a = find(from, b->key, i);

		if (a && strcmp(a->value, b->value) == 0)
			continue;
		each(out, a, b);
		count++;
	}
	for (size_t i = 0; i < from->setting_count; i++)
		if (!find(to, from->settings[i].key, i)) {
			each(out, &from->settings[i], NULL);
			count++;
		}
	return count;
}

static void add_line(struct str *out, const struct config_setting *a,
		     const struct config_setting *b)
{
	str_addf(out, "%s: ", b ? b->key : a->key);
	if (b)
		add_value(out, b->value);
	else
		str_puts(out, "is gone");
	if (a) {
		str_puts(out, ", was ");
		add_value(out, a->value);
	} else {
		str_puts(out, " is new");
	}
	str_putc(out, '\n');
}

size_t config_diff(const struct config *from, const struct config *to,
		   struct str *out)
{
	return compare(from, to, add_line, out);
}

/* --- what cannot be taken over --- */

/* Sockets, files and ports stand on these; a '.' at the end: all below. */
static const char *const fixed[] = {
	"listen",
	"public_url",
	"state_dir",
	"bot.",
	"forge.api_url",
	"forge.clone_url",
	"forge.token_file",
	"forge.app.",
	"forge.webhook_secret_file",
};

static bool is_fixed(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		size_t n = strlen(fixed[i]);
		bool below = fixed[i][n - 1] == '.';

		if (below ? str_starts(key, fixed[i])
			  : strcmp(key, fixed[i]) == 0)
			return true;
	}
	return false;
}

static void add_name(struct str *out, const char *name)
{
	str_addf(out, "%s%s", out->len ? ", " : "", name);
}

static void add_fixed(struct str *out, const struct config_setting *a,
		      const struct config_setting *b)
{
	const char *key = b ? b->key : a->key;

	if (is_fixed(key))
		add_name(out, key);
}

static bool has_secret(const struct config *c, const char *file)
{
	for (size_t i = 0; i < c->environment_count; i++) {
		const struct environment *env = &c->environments[i];

		for (size_t j = 0; j < env->job_count; j++)
			for (size_t k = 0; k < env->jobs[j].secret_count; k++)
				if (strcmp(env->jobs[j].secrets[k].file,
					   file) == 0)
					return true;
	}
	return false;
}

/* The list of files that no job may read was made at the start. */
static void add_secrets(struct str *out, const struct config *from,
			const struct config *to)
{
	for (size_t i = 0; i < to->environment_count; i++) {
		const struct environment *env = &to->environments[i];

		for (size_t j = 0; j < env->job_count; j++) {
			const struct job_spec *job = &env->jobs[j];
			bool known = true;

			for (size_t k = 0; k < job->secret_count; k++)
				known &= has_secret(from, job->secrets[k].file);
			if (known)
				continue;
			add_name(out, "environments.");
			str_addf(out, "%s.jobs.%s.secrets", env->name,
				 job->name);
		}
	}
}

bool config_needs_restart(const struct config *from, const struct config *to,
			  struct str *out)
{
	size_t len = out->len;

	compare(from, to, add_fixed, out);
	add_secrets(out, from, to);
	return out->len > len;
}

/*
 * The git port's queue: what has a repository in common goes in order, and a
 * repository that hangs holds no other.
 */
#include "tests/unit/git_fixture.h"

#include <fcntl.h>

#define MAX 16

/* In the order in which they came. */
static int answers[MAX];
static enum err codes[MAX];

static void take_answer(void *ctx, struct outcome *o)
{
	struct fx *f = ctx;

	json_decref(o->body);
	pthread_mutex_lock(&f->lock);
	assert_true(f->outcomes < MAX);
	codes[f->outcomes] = o->code;
	answers[f->outcomes++] = (int)o->id;
	pthread_cond_signal(&f->cond);
	pthread_mutex_unlock(&f->lock);
}

static void await(struct fx *f, int count)
{
	pthread_mutex_lock(&f->lock);
	while (f->outcomes < count)
		pthread_cond_wait(&f->cond, &f->lock);
	assert_int_equal(f->outcomes, count);
	pthread_mutex_unlock(&f->lock);
}

/* A batch of the bases of these repositories; b may be NULL. */
static void batch(struct fx *f, int id, const char *a, const char *b)
{
	const char *const repos[] = {a, b};
	CLEANUP(json_decref) json_t *list = json_array();
	CLEANUP(json_decref) json_t *args = NULL;
	struct effect effect = {.id = id, .kind = "git.batch", .key = "k"};

	for (size_t i = 0; i < 2 && repos[i]; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:[]}",
						      "repo", repos[i], "base",
						      "main", "branch",
						      "staging", "revisions"));
	args = json_pack("{s:O}", "projects", list);
	effect.args = args;
	f->port->start(f->port, &effect, take_answer, f);
}

static void add_repo(struct fx *f, const char *repo)
{
	CLEANUP(free) char *path = fx_repo(f, repo);

	fx_git(f->work, "push", "-q", path, "main");
}

/* Whoever looks at its refs waits, until somebody lets go. */
static char *hang(struct fx *f, const char *repo)
{
	char *path = str_format("%s/forge/%s.git/packed-refs", f->root, repo);

	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	return path;
}

static void let_go(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	/* Nobody else shall find it. */
	assert_int_equal(unlink(path), 0);
	close(fd);
}

static int setup(void **state)
{
	struct fx *f;

	if (fx_setup(state))
		return 1;
	f = *state;
	fx_write(f, "text", "1\n");
	fx_commit(f, "one");
	fx_publish(f);
	add_repo(f, "acme/slow");
	add_repo(f, "acme/quick");
	return 0;
}

/* The second and the fourth have nothing to do with the one that hangs; the
 * third waits for it, and the last for the third. */
static void one_hangs(void **state)
{
	struct fx *f = *state;
	CLEANUP(free) char *path = hang(f, "acme/slow");

	batch(f, 1, "acme/slow", NULL);
	batch(f, 2, "acme/quick", NULL);
	batch(f, 3, "ACME/Slow", REPO);
	batch(f, 4, "acme/quick", NULL);
	batch(f, 5, REPO, NULL);
	await(f, 2);
	assert_int_equal(answers[0], 2);
	assert_int_equal(answers[1], 4);
	let_go(path);
	await(f, 5);
	assert_int_equal(answers[2], 1);
	assert_int_equal(answers[3], 3);
	assert_int_equal(answers[4], 5);
	for (int i = 0; i < 5; i++)
		assert_int_equal(codes[i] == ERR_OK, answers[i] != 3);
}

/* The bot stops while some hang and some wait: nobody hears of it. */
static void stopped_while_it_hangs(void **state)
{
	struct fx *f = *state;

	/* Nobody lets them go. */
	free(hang(f, "acme/slow"));
	free(hang(f, "acme/quick"));
	batch(f, 1, "acme/slow", NULL);
	batch(f, 2, "acme/quick", NULL);
	batch(f, 3, "acme/slow", "acme/quick");
	batch(f, 4, REPO, NULL);
	await(f, 1);
	assert_int_equal(answers[0], 4);
	fx_port_stop(f);
	assert_int_equal(f->outcomes, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, fx_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_hangs),
		T(stopped_while_it_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

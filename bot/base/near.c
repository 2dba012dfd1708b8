#include "bot/base/near.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Longer words are compared by their start: no key has that many letters. */
#define LONGEST 63

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static int least(int a, int b, int c)
{
	int m = a < b ? a : b;

	return m < c ? m : c;
}

/* Edit distance where swapping two neighbours is one step. */
static int distance(const char *a, size_t m, const char *b, size_t n)
{
	int row[3][LONGEST + 1]; /* two rows back, one row back, this row */

	for (size_t j = 0; j <= n; j++)
		row[0][j] = (int)j;
	memcpy(row[1], row[0], sizeof(row[0]));
	memcpy(row[2], row[0], sizeof(row[0]));
	for (size_t i = 1; i <= m; i++) {
		memcpy(row[0], row[1], sizeof(row[0]));
		memcpy(row[1], row[2], sizeof(row[0]));
		row[2][0] = (int)i;
		for (size_t j = 1; j <= n; j++) {
			int differs = !same(a[i - 1], b[j - 1]);

			row[2][j] = least(row[1][j] + 1, row[2][j - 1] + 1,
					  row[1][j - 1] + differs);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]) &&
			    row[0][j - 2] + 1 < row[2][j])
				row[2][j] = row[0][j - 2] + 1;
		}
	}
	return row[2][n];
}

void near_try(struct near *n, const char *candidate)
{
	size_t a = strnlen(n->word, LONGEST);
	size_t b = strnlen(candidate, LONGEST);
	int d = distance(n->word, a, candidate, b);

	/* Every third letter may be wrong; of two letters, none. */
	if (d > (int)((a < b ? a : b) / 3))
		return;
	if (!n->best || d < n->distance) {
		n->best = candidate;
		n->distance = d;
	}
}

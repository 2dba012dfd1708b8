/*
 * What a person sees instead of a page, and where they can go from there.
 */
#include "bot/page_parts.h"

void page_problem(const struct sheet *s, int status, const char *text)
{
	static const struct {
		int status;
		const char *title;
	} titles[] = {
		{404, "Not found"},
		{503, "Not ready"},
		{500, "Not possible"},
	};
	size_t i = 0;

	while (i < ARRAY_SIZE(titles) - 1 && titles[i].status != status)
		i++;
	sheet_begin(s, titles[i].title, status == 503 ? REFRESH_BROKEN_S : 0,
		    "");
	html_addf(
		s->out,
		"<h1>%s</h1>\n<p class=\"lead\">%s</p>\n<p>The <a "
		"href=\"%s\">overview</a> shows what is deployed, what runs "
		"and what waits. A cycle is at <code>/cycles/ID</code>, a "
		"pull request at <code>/pulls/OWNER/REPO/NUMBER</code>.</p>\n",
		titles[i].title, text, *s->root ? s->root : "./");
	sheet_end(s);
}

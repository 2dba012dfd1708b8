#include "bot/render.h"

#include <string.h>

/* So many, and of each so much of its name. */
#define FILES_SHOWN 20
#define NAME_SHOWN 200

void render_files(struct str *out, const json_t *files)
{
	size_t count = json_array_size(files), i;
	const json_t *one;

	str_putc(out, '\n');
	json_array_foreach (files, i, one) {
		CLEANUP(str_release) struct str cut = STR_INIT(NAME_SHOWN);
		const char *name = json_string_value(one);
		size_t len = strlen(name);

		if (i == FILES_SHOWN)
			break;
		str_add(&cut, name, str_utf8_cut(name, len, NAME_SHOWN));
		str_puts(out, "\n- ");
		render_code(out, cut.text);
		str_puts(out, len > NAME_SHOWN ? " ..." : "");
	}
	if (count > FILES_SHOWN)
		str_addf(out, "\n- and %zu more", count - FILES_SHOWN);
}

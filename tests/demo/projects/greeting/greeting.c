#include "greeting.h"

const char *greeting_text(void)
{
	return "Welcome to our shop.";
}

/* The version, in one place; `make` and packaging read it from here. */
#ifndef BOT_VERSION_H
#define BOT_VERSION_H

#define KCIBOT_VERSION "0.1.0"

#endif

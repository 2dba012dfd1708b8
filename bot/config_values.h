/*
 * What the texts of a configuration must look like.  Pure functions; e->text
 * is the end of a sentence: "must be OWNER/NAME".
 */
#ifndef BOT_CONFIG_VALUES_H
#define BOT_CONFIG_VALUES_H

#include <stdbool.h>

#include "bot/base/error.h"

typedef enum err value_check(const char *text, struct error *e);

value_check value_repo;	       /* OWNER/NAME as GitHub allows it */
value_check value_branch;      /* as `git check-ref-format --branch` */
value_check value_login;       /* of a person */
value_check value_name;	       /* of an environment: letters, digits, - _ */
value_check value_word;	       /* of a stage or job: letters, digits, - _ */
value_check value_variable;    /* of the environment, for a secret */
value_check value_label;       /* of a pull request; "" = none */
value_check value_glob;	       /* path pattern inside a repository */
value_check value_url;	       /* http or https, no credentials */
value_check value_base_url;    /* and nothing behind the path */
value_check value_clone_url;   /* with {repo}; http, https or file */
value_check value_listen;      /* HOST:PORT */
value_check value_folder;      /* absolute, not /, no . or .. */
value_check value_isolation;   /* bubblewrap, user:NAME, none; "" */
value_check value_backend;     /* those that exist; "" */
value_check value_permission;  /* on a repository, of the forge */
value_check value_trust_role;  /* that may grant */
value_check value_zone;	       /* "Europe/Berlin" */
value_check value_environment; /* an environment's name; "" */

/* http (not https), to another machine: is whatever goes there readable? */
bool url_is_exposed(const char *url);

/* "Fri 18:00" as minutes since Monday 00:00; false when it is none. */
bool parse_moment(const char *text, int *ret_minute);

#endif

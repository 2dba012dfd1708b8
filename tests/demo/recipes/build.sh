#!/bin/sh
# Stage build: compiles the service from the merged projects, which lie side
# by side in the working directory, and hands it to the staging machine.
#   $1 client and $2 socket of the staging machine, $3 name of this build
set -eu
echo "greeting at $KCIBOT_SHA_GREETING"
echo "service at  $KCIBOT_SHA_SERVICE"
cc -std=c99 -D_GNU_SOURCE -O1 -Wall -Wextra -Igreeting \
    -o "$TMPDIR/shop" service/service.c service/page.c greeting/greeting.c
"$1" put "$2" "$3" "$TMPDIR/shop"

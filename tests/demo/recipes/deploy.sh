#!/bin/sh
# Stage deploy: has the staging machine run what the build handed to it; it
# goes back to what ran before if the new one does not come up.
#   $1 client and $2 socket of the staging machine, $3 name of the build
set -eu
"$1" start "$2" "$3"

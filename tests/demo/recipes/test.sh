#!/bin/sh
# Stage test, only in a full cycle: the service's own tests.
set -eu
/bin/sh service/test.sh service "$TMPDIR"

#!/bin/sh
# Builds and runs the tests; the folder that this is in, then a scratch one.
set -eu
cc -std=c99 -D_POSIX_C_SOURCE=200809L -Wall -Wextra \
    -o "$2/test_price" "$1/test_price.c"
"$2/test_price"

#!/bin/sh
# Runs each line that comes in; what it says goes out, then a line with its exit code.
stty raw -echo
export TERM=dumb SYSTEMD_COLORS=0
echo "@@ 0"
while read -r line; do
    sh -c "$line" < /dev/null 2>&1
    printf '\n@@ %s\n' "$?"
done

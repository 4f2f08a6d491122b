#!/usr/bin/env bash
# bash 5.2.15, x86-64; 2026-11-28.
#
# Guess: ( . ./file || exit 2; command ) runs the command after the file, or ends with code 2.
# What happens: if the file's last line is `a || b`, where b is a program, bash executes b in place of the whole
# subshell. The command is never run, and the subshell's exit code is that of b: 0, without a message. Outside a
# subshell, after a further line in the file, or with any trap that is set in the subshell, the command runs.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
printf 'false || sleep 0\n' > file
printf 'false || sleep 0\n:\n' > longer

try() { bash -c "$2" > said || { echo "exit code $?" >&2; exit 1; }; printf '%-34s %s\n' "$1" "$(cat said)"; }
{
    try 'in a subshell:' '( . ./file || exit 2; echo it runs )'
    try 'outside a subshell:' '. ./file || exit 2; echo it runs'
    try 'with a further line:' '( . ./longer || exit 2; echo it runs )'
    try 'with a trap:' '( trap : EXIT; . ./file || exit 2; echo it runs )'
} | tee found
[ "$(grep -c 'it runs' found)" -eq 3 ] && ! grep -q 'in a subshell: *it runs' found

#!/usr/bin/env bash
# Make the Python environment on a cluster of the Digital Research Alliance of Canada, once, on a login node:
#     bash install_environment.sh
# then, in every new shell and job:  . activate_environment.sh
# Safe to call again: an environment that is whole is left alone, or brought to changed requirements; one that an
# earlier call left half-made is made anew.

user_id=$(id -un) # Whose ~/policy_params to make: yours. The same line stands in activate_environment.sh.

set -eo pipefail # Not -u: `module` reads variables that need not be set.

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=utils/alliance.sh
. "$here/utils/alliance.sh"
required=$here/requirements-alliance.txt
optional=$here/requirements-alliance-optional.txt
environment=$(policy_params_place "$user_id")
python=$environment/bin/python
whole=$environment/$policy_params_mark
unfinished=$environment/policy_params.unfinished

fail() {
    policy_params_say "$@"
    exit 1
}

pip_install() {
    "$python" -m pip install --disable-pip-version-check --no-index "$@"
}

# Emptied, not removed: it may be a link to where there is more room.
make_empty() {
    mkdir -p -- "$environment"
    local found
    found=$(ls -A -- "$environment")
    if [[ -n $found && ! -e $unfinished && ! -e $whole ]]; then
        fail "$environment is there, and not made by this script; move it away, also if it is this project itself"
    fi
    : >"$unfinished"
    if [[ -n $found ]]; then
        policy_params_say "$environment is half-made, or its Python is gone; making it anew"
        find "$environment/" -mindepth 1 -maxdepth 1 ! -name "${unfinished##*/}" -exec rm -rf -- {} +
    fi
}

make_environment() {
    command -v virtualenv >/dev/null || fail "there is no \`virtualenv\`, which Python's module should bring"
    virtualenv --no-download "$environment" || fail "virtualenv failed, as it says above"
    pip_install --quiet --upgrade pip || fail "pip cannot be upgraded, as it says above"
}

install_required() {
    pip_install -r "$required" ||
        fail "the wheelhouse does not give what $required asks for, as pip says above; \`avail_wheels NAME\` lists" \
            "what it has"
}

install_optional() {
    local package lost said
    while IFS='#' read -r -u 3 package lost; do
        package=${package%% *}
        if [[ -n $package ]] && ! said=$(pip_install --quiet -c "$required" "$package" 2>&1); then
            policy_params_say "without $package, hence without${lost} ($(tail -n 1 <<<"$said"))"
        fi
    done 3<"$optional"
}

check() {
    local said
    "$python" -c "$(sed -nE 's/^([a-z]+)[=<>].*/import \1/p' "$required")" ||
        fail "what was installed cannot be imported, as Python says above"
    said=$("$python" -c 'import gymnasium; gymnasium.make("InvertedPendulum-v5").reset(seed=0)' 2>&1) ||
        policy_params_say "without MuJoCo's environments ($(tail -n 1 <<<"$said"))"
}

main() {
    policy_params_load_modules || exit 1
    if [[ -e $whole ]] && "$python" -c '' 2>/dev/null; then
        if cmp -s -- "$whole" <(cat -- "$required" "$optional"); then
            policy_params_say "$environment is complete; to enter it: . activate_environment.sh"
            return
        fi
        policy_params_say "$environment was made of other requirements; installing these"
        mv -- "$whole" "$unfinished"
    else
        make_empty
        make_environment
    fi
    install_required
    install_optional
    check
    cat -- "$required" "$optional" >"$unfinished"
    mv -- "$unfinished" "$whole"
    policy_params_say "$environment is complete; to enter it, now and in every new shell and job:" \
        ". activate_environment.sh"
}

trap '(($? == 0)) || policy_params_say "stopped; once that is mended, call it again: bash install_environment.sh"' EXIT
main

#!/usr/bin/env bash
# Create the Python environment on a cluster of the Digital Research Alliance of Canada, once, on a login node:
#     bash install_environment.sh
# then, in every new shell and job:  . activate_environment.sh
# It is safe to run again: a complete environment is left alone, or updated if the requirements changed; one that an
# earlier call left incomplete is created again.

user_id=$(id -un) # Whose ~/policy_params to create: yours. activate_environment.sh has the same line.

set -eo pipefail # Not -u: `module` reads variables that may be unset.

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=utils/alliance.sh
. "$here/utils/alliance.sh"
required=$here/requirements-alliance.txt
optional=$here/requirements-alliance-optional.txt
environment=$(policy_params_directory "$user_id")
python=$environment/bin/python
complete_marker=$environment/$policy_params_marker
unfinished_marker=$environment/policy_params.unfinished

fail() {
    policy_params_log "$@"
    exit 1
}

pip_install() {
    "$python" -m pip install --disable-pip-version-check --no-index "$@"
}

# Empty the directory instead of removing it: it may be a link to a file system with more space.
empty_directory() {
    mkdir -p -- "$environment"
    local content
    content=$(ls -A -- "$environment")
    if [[ -n $content && ! -e $unfinished_marker && ! -e $complete_marker ]]; then
        fail "$environment exists and was not created by this script; move it away, even if it is this project itself"
    fi
    : >"$unfinished_marker"
    if [[ -n $content ]]; then
        policy_params_log "$environment is incomplete, or its Python no longer runs; creating it again"
        find "$environment/" -mindepth 1 -maxdepth 1 ! -name "${unfinished_marker##*/}" -exec rm -rf -- {} +
    fi
}

create_environment() {
    command -v virtualenv >/dev/null || fail "found no \`virtualenv\`, which the Python module should provide"
    virtualenv --no-download "$environment" || fail "virtualenv failed; its message is above"
    pip_install --quiet --upgrade pip || fail "pip could not be upgraded; its message is above"
}

install_required() {
    pip_install -r "$required" ||
        fail "pip cannot install $required from the wheelhouse; its message is above, and \`avail_wheels NAME\` lists" \
            "the available versions"
}

install_optional() {
    local package features output
    while IFS='#' read -r -u 3 package features; do
        package=${package%% *}
        if [[ -n $package ]] && ! output=$(pip_install --quiet -c "$required" "$package" 2>&1); then
            policy_params_log "cannot install $package; unavailable without it:${features} ($(tail -n 1 <<<"$output"))"
        fi
    done 3<"$optional"
}

check_imports() {
    local output
    "$python" -c "$(sed -nE 's/^([a-z]+)[=<>].*/import \1/p' "$required")" ||
        fail "an installed package cannot be imported; Python's message is above"
    output=$("$python" -c 'import gymnasium; gymnasium.make("InvertedPendulum-v5").reset(seed=0)' 2>&1) ||
        policy_params_log "unavailable: MuJoCo's environments ($(tail -n 1 <<<"$output"))"
}

main() {
    policy_params_load_modules || exit 1
    if [[ -e $complete_marker ]] && "$python" -c '' 2>/dev/null; then
        if cmp -s -- "$complete_marker" <(cat -- "$required" "$optional"); then
            policy_params_log "$environment is complete; activate it with: . activate_environment.sh"
            return
        fi
        policy_params_log "the requirements have changed since $environment was made; installing them"
        mv -- "$complete_marker" "$unfinished_marker"
    else
        empty_directory
        create_environment
    fi
    install_required
    install_optional
    check_imports
    cat -- "$required" "$optional" >"$unfinished_marker"
    mv -- "$unfinished_marker" "$complete_marker"
    policy_params_log "$environment is complete; activate it now, and in every new shell and job, with:" \
        ". activate_environment.sh"
}

trap '(($? == 0)) || policy_params_log "stopped; fix the problem and run it again: bash install_environment.sh"' EXIT
main

# Location of the environment on a cluster of the Digital Research Alliance of Canada, and the modules that it needs.
# shellcheck shell=bash
# Sourced by install_environment.sh and, in the user's own shell, by activate_environment.sh: functions return errors.

# gcc compiles for `--engine compiled`. Later Python modules find mujoco by the version that it was built for.
policy_params_modules=(gcc python/3.11 mujoco/3.3.0)

# A file in a complete environment, which holds the requirements that were installed.
# shellcheck disable=SC2034 # Both scripts read it.
policy_params_marker=policy_params.complete

policy_params_log() {
    printf 'policy_params: %s\n' "$*" >&2
}

# Print the directory of a user's environment.  $1: user name.
policy_params_directory() {
    local home=$HOME
    if [[ $1 != "$(id -un)" ]]; then
        home=$(getent passwd "$1" | cut -d: -f6)
    fi
    if [[ -z $home ]]; then
        policy_params_log "user_id: found '$1', a user without a home here; allowed: your user name ($(id -un)) or" \
            "a colleague's"
        return 1
    fi
    printf '%s\n' "$home/policy_params"
}

policy_params_load_modules() {
    if ! type module >/dev/null 2>&1; then
        policy_params_log "found no \`module\` command, so this is not a cluster of the Digital Research Alliance of" \
            "Canada. Elsewhere: python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt"
        return 1
    fi
    if ! module load "${policy_params_modules[@]}"; then
        policy_params_log "cannot load the modules ${policy_params_modules[*]}; \`module spider NAME\` lists the" \
            "available versions, and utils/alliance.sh names the ones to load"
        return 1
    fi
}

# Where the environment is on a cluster of the Digital Research Alliance of Canada, and the modules under it.
# shellcheck shell=bash
# Read by install_environment.sh and, in the user's own shell, by activate_environment.sh. Errors are returned.

# gcc compiles for `--engine compiled`. Later modules of Python find mujoco by the version that it was built for.
policy_params_modules=(gcc python/3.11 mujoco/3.3.0)

# Stands in an environment that is whole: the requirements that it was made of.
# shellcheck disable=SC2034 # Both scripts read it.
policy_params_mark=policy_params.complete

policy_params_say() {
    printf 'policy_params: %s\n' "$*" >&2
}

# Prints where the environment of a user is.  $1: the user.
policy_params_place() {
    local home=$HOME
    if [[ $1 != "$(id -un)" ]]; then
        home=$(getent passwd "$1" | cut -d: -f6)
    fi
    if [[ -z $home ]]; then
        policy_params_say "user_id: found '$1', who has no home here; allowed: your user name ($(id -un)) or a colleague's"
        return 1
    fi
    printf '%s\n' "$home/policy_params"
}

policy_params_load_modules() {
    if ! type module >/dev/null 2>&1; then
        policy_params_say "there is no \`module\` command, so this is no cluster of the Digital Research Alliance of" \
            "Canada. Elsewhere: python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt"
        return 1
    fi
    if ! module load "${policy_params_modules[@]}"; then
        policy_params_say "cannot load the modules ${policy_params_modules[*]}; \`module spider NAME\` lists what there" \
            "is, and utils/alliance.sh is where to change them"
        return 1
    fi
}

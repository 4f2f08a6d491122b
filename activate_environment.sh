# Activate the environment that install_environment.sh made, in every new shell and job:  . activate_environment.sh
# shellcheck shell=bash

user_id=$(id -un) # Whose ~/policy_params to activate: yours, or write the user name of a colleague who shares theirs.

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    echo "activate_environment.sh: found it run as a program, which cannot change your shell; type: . $0" >&2
    exit 2
fi

activate_policy_params() {
    local environment
    environment=$(policy_params_directory "$user_id") || return 1
    policy_params_load_modules || return 1
    if [[ ! -e $environment/$policy_params_marker ]]; then
        policy_params_log "there is no complete environment in $environment; create it with:" \
            "bash install_environment.sh"
        return 1
    fi
    # shellcheck source=/dev/null
    . "$environment/bin/activate"
}

unset_helpers() {
    unset user_id policy_params_modules policy_params_marker
    unset -f policy_params_log policy_params_directory policy_params_load_modules activate_policy_params unset_helpers
}

# Deactivating an environment restores the PATH from before it, so do that before the modules change PATH.
if [[ -n ${VIRTUAL_ENV-} ]] && declare -F deactivate >/dev/null; then
    deactivate
fi
# shellcheck source=utils/alliance.sh
if . "$(dirname -- "${BASH_SOURCE[0]}")/utils/alliance.sh" && activate_policy_params; then
    unset_helpers
else
    unset_helpers
    return 1
fi

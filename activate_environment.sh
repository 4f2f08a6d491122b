# Enter the environment that install_environment.sh has made, in every new shell and job:  . activate_environment.sh
# shellcheck shell=bash

user_id=$(id -un) # Whose ~/policy_params to enter: yours, or write the name of the colleague whose it is.

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    echo "activate_environment.sh: found it run as a program, which leaves your shell as it was; type: . $0" >&2
    exit 2
fi

enter_policy_params() {
    local environment
    environment=$(policy_params_place "$user_id") || return 1
    policy_params_load_modules || return 1
    if [[ ! -e $environment/$policy_params_mark ]]; then
        policy_params_say "there is no complete environment in $environment; make it first: bash install_environment.sh"
        return 1
    fi
    # shellcheck source=/dev/null
    . "$environment/bin/activate"
}

leave_no_names() {
    unset user_id policy_params_modules policy_params_mark
    unset -f policy_params_say policy_params_place policy_params_load_modules enter_policy_params leave_no_names
}

# Leaving an environment takes back what was on PATH before it, so it is left before modules change PATH.
if [[ -n ${VIRTUAL_ENV-} ]] && declare -F deactivate >/dev/null; then
    deactivate
fi
# shellcheck source=utils/alliance.sh
if . "$(dirname -- "${BASH_SOURCE[0]}")/utils/alliance.sh" && enter_policy_params; then
    leave_no_names
else
    leave_no_names
    return 1
fi

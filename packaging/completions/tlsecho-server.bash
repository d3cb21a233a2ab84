# SPDX-License-Identifier: MIT
# bash completion of tlsecho-server(8)
_tlsecho_server() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    case $previous in
    -c | --config)
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        ;;
    *)
        mapfile -t COMPREPLY < <(compgen -W "-c --config -t --check-config -T --print-config \
            -V --version -h --help" -- "$word")
        ;;
    esac
}
complete -F _tlsecho_server tlsecho-server

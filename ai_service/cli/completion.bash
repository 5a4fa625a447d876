# Completion of `alchemorsel` for bash. The command itself is asked, so that names of models and services are today's.
_alchemorsel_completion() {
    local typed="${COMP_LINE:0:COMP_POINT}" candidate last
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        COMPREPLY+=("$candidate")
    done < <(_TYPER_COMPLETE_ARGS="$typed" _TYPER_COMPLETE_FISH_ACTION=get-args \
        _ALCHEMORSEL_COMPLETE=complete_fish "$1" 2>/dev/null)
    # Bash begins a new word after the colon in the name of a model, and replaces only that word.
    last="${typed##* }"
    if [[ $last == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${last%"${last##*:}"}"}")
    fi
}
complete -o default -F _alchemorsel_completion alchemorsel

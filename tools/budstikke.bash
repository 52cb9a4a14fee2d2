# bash completion for budstikke(1)

_budstikke_options() {
	case $1 in
	init) echo "--demo --organisation --host --webhook" ;;
	send) echo "-c --to --type --key --receipt --reference --language --patience --dry-run" ;;
	fetch) echo "-c --out --watch --keep-sealed --reference --reference-command --mailbox --reject --patience" ;;
	status) echo "-c --evidence" ;;
	recall) echo "-c --recipient" ;;
	verify) echo "-c --ca --log-key" ;;
	log) echo "-c checkpoint key bundle growth" ;;
	conservation) echo "-c --now" ;;
	alarms) echo "-c --close" ;;
	party) echo "-c --types --form --state --stop-at-certificate-end list show set coverage" ;;
	cert) echo "-c --mailbox --suite --policy --key add prove list suspend" ;;
	probe) echo "-c" ;;
	spool) echo "check stats backup restore upgrade" ;;
	profile) echo "check" ;;
	doctor) echo "-c" ;;
	top) echo "-c --once" ;;
	esac
}

_budstikke() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "init send fetch status recall verify log \
conservation alarms party cert probe spool profile doctor top --help" -- "$current")
		return
	fi
	case $previous in
	--reject)
		mapfile -t COMPREPLY < <(compgen -W "temporary permanent never" -- "$current")
		return
		;;
	--suite)
		mapfile -t COMPREPLY < <(compgen -W "cms-cbc-oaep cms-gcm-oaep cms-cbc-ecdh cms-gcm-ecdh" -- "$current")
		return
		;;
	--state)
		mapfile -t COMPREPLY < <(compgen -W "new proving open paused closed" -- "$current")
		return
		;;
	--policy)
		mapfile -t COMPREPLY < <(compgen -W "pinned" -- "$current")
		return
		;;
	-c | --client)
		mapfile -t COMPREPLY < <(compgen -f -X '!*.conf' -- "$current"; compgen -d -- "$current")
		return
		;;
	esac
	local words
	words="$(_budstikke_options "${COMP_WORDS[1]}") --json --help"
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"; compgen -f -- "$current")
}

complete -o filenames -F _budstikke budstikke

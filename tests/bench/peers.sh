#!/bin/bash
# peers - RabbitMQ and PostgreSQL of this machine, on loopback, in a folder of
# their own, measured by build/peer_*; their rows on standard output.
#
# usage: tests/bench/peers.sh FOLDER     (as root: they run as their own users)
# A row: NAME, messages a second, p50 and p99 in ms, with tabs between.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$(realpath -m "$1")
rm -rf "$folder"
mkdir -p "$folder"
chmod 755 "$folder"
pids=()
stop_all() {
	local pid
	for pid in "${pids[@]}"; do
		kill -TERM "$pid" 2>/dev/null || true
	done
	wait || true
}
trap stop_all EXIT
fail() {
	echo "peers: $*" >&2
	exit 1
}
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
wait_for() { # SECONDS COMMAND...
	local tries=$(($1 * 5))
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.2
	done
}

postgres() {
	local bin port
	bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
	port=$(free_port)
	mkdir "$folder/postgres"
	chown postgres "$folder/postgres"
	runuser -u postgres -- "$bin/initdb" -D "$folder/postgres/data" -U bench \
		--auth=trust --no-instructions >/dev/null
	runuser -u postgres -- "$bin/postgres" -D "$folder/postgres/data" -p "$port" \
		-c listen_addresses=127.0.0.1 -c unix_socket_directories= \
		-c synchronous_commit=on -c fsync=on -c shared_buffers=512MB \
		-c max_wal_size=4GB >"$folder/postgres.log" 2>&1 &
	pids+=($!)
	wait_for 20 "$bin/pg_isready" -h 127.0.0.1 -p "$port" ||
		fail "PostgreSQL did not start, see $folder/postgres.log"
	build/peer_postgres "$port"
}

rabbitmq() {
	local port=$1 home=$folder/rabbitmq
	mkdir -p "$home"
	chown rabbitmq "$home"
	printf 'listeners.tcp.default = 127.0.0.1:%s\n' "$port" >"$home/rabbitmq.conf"
	# its database of nodes (epmd) on a port of its own, inside this process
	# group, so that it ends with us
	local epmd
	epmd=$(free_port)
	export ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$epmd
	runuser -u rabbitmq -- epmd -port "$epmd" -address 127.0.0.1 \
		>"$folder/epmd.log" 2>&1 &
	pids+=($!)
	runuser -u rabbitmq -- env HOME="$home" RABBITMQ_NODENAME=bench@localhost \
		RABBITMQ_BASE="$home" RABBITMQ_MNESIA_BASE="$home/mnesia" \
		RABBITMQ_LOG_BASE="$home/log" RABBITMQ_PID_FILE="$home/pid" \
		RABBITMQ_CONFIG_FILE="$home/rabbitmq.conf" \
		RABBITMQ_ENABLED_PLUGINS_FILE="$home/plugins" \
		RABBITMQ_DIST_PORT="$(free_port)" \
		/usr/lib/rabbitmq/bin/rabbitmq-server >"$folder/rabbitmq.log" 2>&1 &
	pids+=($!)
	wait_for 60 grep -q "Server startup complete" -r "$home/log" ||
		fail "RabbitMQ did not start, see $folder/rabbitmq.log"
	build/peer_rabbitmq "$port"
}

rabbitmq "$(free_port)"
postgres

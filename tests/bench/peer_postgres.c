/*
 * peer_postgres - a table with a bytea, synchronous commit; fetched and
 * confirmed by one statement, which is the least that it can be done with.
 */
#include "tests/bench/peer.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

static void
must(int good, const char *what, PGconn *connection)
{
	if (good)
		return;
	fprintf(stderr, "peer_postgres: %s: %s\n", what,
	    PQerrorMessage(connection));
	exit(1);
}

/* Takes the result. */
static int
is_status(PGresult *result, ExecStatusType wanted)
{
	int good = PQresultStatus(result) == wanted;

	PQclear(result);
	return good;
}

static void *
postgres_open(uint16_t port)
{
	char address[128];
	PGconn *connection;

	snprintf(address, sizeof(address),
	    "host=127.0.0.1 port=%u user=bench dbname=postgres",
	    (unsigned)port);
	connection = PQconnectdb(address);
	must(PQstatus(connection) == CONNECTION_OK, "connect", connection);
	must(is_status(PQexec(connection,
			   "SET client_min_messages = error;"
			   "CREATE TABLE IF NOT EXISTS bench"
			   " (id bigserial PRIMARY KEY, body bytea NOT NULL);"
			   "ALTER TABLE bench ALTER body SET STORAGE EXTERNAL"),
		 PGRES_COMMAND_OK),
	    "create", connection);
	must(is_status(PQprepare(connection, "put",
			   "INSERT INTO bench (body) VALUES ($1)", 1, NULL),
		 PGRES_COMMAND_OK),
	    "prepare put", connection);
	must(is_status(PQprepare(connection, "get",
			   "DELETE FROM bench WHERE id = (SELECT id FROM bench"
			   " ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1)"
			   " RETURNING body",
			   0, NULL),
		 PGRES_COMMAND_OK),
	    "prepare get", connection);
	return connection;
}

static void
postgres_close(void *connection)
{
	PQfinish(connection);
}

static int
postgres_put(void *connection, const uint8_t *bytes, size_t size)
{
	const char *values[] = {(const char *)bytes};
	const int sizes[] = {(int)size};
	const int formats[] = {1};

	return is_status(PQexecPrepared(
			     connection, "put", 1, values, sizes, formats, 1),
		   PGRES_COMMAND_OK)
		   ? 0
		   : -1;
}

static int
postgres_get(void *connection, size_t size)
{
	PGresult *result =
	    PQexecPrepared(connection, "get", 0, NULL, NULL, NULL, 1);
	int code = PQresultStatus(result) != PGRES_TUPLES_OK   ? -1
		   : PQntuples(result) == 0                    ? 0
		   : (size_t)PQgetlength(result, 0, 0) == size ? 1
							       : -1;

	PQclear(result);
	return code;
}

static int
postgres_purge(void *connection)
{
	return is_status(PQexec(connection, "TRUNCATE bench"), PGRES_COMMAND_OK)
		   ? 0
		   : -1;
}

int
main(int argc, char **argv)
{
	static const struct peer peer = {"PostgreSQL bytea:", postgres_open,
	    postgres_close, postgres_put, postgres_get, postgres_purge};

	return peer_main(&peer, argc, argv);
}

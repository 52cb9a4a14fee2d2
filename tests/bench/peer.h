/*
 * peer - how another store is measured: the same sizes, clients and rounds as
 * the relay's rows; each client waits for its confirmation.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct peer {
	const char *name;
	/* A connection of its own; ends the program when there is none. */
	void *(*open)(uint16_t port);
	void (*close)(void *connection);
	/* Returns when the message is confirmed. 0, or -1. */
	int (*put)(void *connection, const uint8_t *bytes, size_t size);
	/* Fetch a message and confirm it. 1, 0: none is there, or -1. */
	int (*get)(void *connection, size_t size);
	/* Throw all messages away. */
	int (*purge)(void *connection);
};

int peer_main(const struct peer *peer, int argc, char **argv);

/*
 * peer_rabbitmq - RabbitMQ's durable queue of today (quorum), persistent
 * messages, publisher confirms; fetched by basic.get and acknowledged.
 */
#include "tests/bench/peer.h"

#include <stdio.h>
#include <stdlib.h>

#include <amqp.h>
#include <amqp_tcp_socket.h>

#define CHANNEL 1
#define FRAME_BYTES 131072

static const char queue[] = "bench";

static void
must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "peer_rabbitmq: %s failed\n", what);
	exit(1);
}

static int
is_good(amqp_connection_state_t connection)
{
	return amqp_get_rpc_reply(connection).reply_type ==
	       AMQP_RESPONSE_NORMAL;
}

static void *
rabbitmq_open(uint16_t port)
{
	amqp_connection_state_t connection = amqp_new_connection();
	amqp_socket_t *socket = amqp_tcp_socket_new(connection);
	amqp_table_entry_t entry = {.key = amqp_cstring_bytes("x-queue-type"),
	    .value = {.kind = AMQP_FIELD_KIND_UTF8,
		.value.bytes = amqp_cstring_bytes("quorum")}};
	amqp_table_t quorum = {1, &entry};

	must(socket && amqp_socket_open(socket, "127.0.0.1", port) == 0,
	    "connect");
	must(amqp_login(connection, "/", 0, FRAME_BYTES, 0,
		 AMQP_SASL_METHOD_PLAIN, "guest", "guest")
		     .reply_type == AMQP_RESPONSE_NORMAL,
	    "login");
	amqp_channel_open(connection, CHANNEL);
	must(is_good(connection), "channel.open");
	amqp_queue_declare(
	    connection, CHANNEL, amqp_cstring_bytes(queue), 0, 1, 0, 0, quorum);
	must(is_good(connection), "queue.declare");
	amqp_confirm_select(connection, CHANNEL);
	must(is_good(connection), "confirm.select");
	return connection;
}

static void
rabbitmq_close(void *connection)
{
	amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
	amqp_destroy_connection(connection);
}

static int
rabbitmq_put(void *connection, const uint8_t *bytes, size_t size)
{
	const amqp_basic_properties_t durable = {
	    ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG, .delivery_mode = 2};
	amqp_method_t method;

	if (amqp_basic_publish(connection, CHANNEL, amqp_empty_bytes,
		amqp_cstring_bytes(queue), 1, 0, &durable,
		(amqp_bytes_t){size, (void *)(uintptr_t)bytes}) != 0)
		return -1;
	return amqp_simple_wait_method(connection, CHANNEL,
		   AMQP_BASIC_ACK_METHOD, &method) == AMQP_STATUS_OK
		   ? 0
		   : -1;
}

static int
rabbitmq_get(void *connection, size_t size)
{
	amqp_message_t message;
	amqp_rpc_reply_t reply =
	    amqp_basic_get(connection, CHANNEL, amqp_cstring_bytes(queue), 0);
	amqp_basic_get_ok_t *got = reply.reply.decoded;
	int code;

	if (reply.reply_type != AMQP_RESPONSE_NORMAL)
		return -1;
	if (reply.reply.id != AMQP_BASIC_GET_OK_METHOD)
		return 0;
	uint64_t tag = got->delivery_tag;
	if (amqp_read_message(connection, CHANNEL, &message, 0).reply_type !=
	    AMQP_RESPONSE_NORMAL)
		return -1;
	code = message.body.len == size &&
		       amqp_basic_ack(connection, CHANNEL, tag, 0) == 0
		   ? 1
		   : -1;
	amqp_destroy_message(&message);
	amqp_maybe_release_buffers(connection);
	return code;
}

static int
rabbitmq_purge(void *connection)
{
	amqp_queue_purge(connection, CHANNEL, amqp_cstring_bytes(queue));
	return is_good(connection) ? 0 : -1;
}

int
main(int argc, char **argv)
{
	static const struct peer peer = {"RabbitMQ quorum:", rabbitmq_open,
	    rabbitmq_close, rabbitmq_put, rabbitmq_get, rabbitmq_purge};

	return peer_main(&peer, argc, argv);
}

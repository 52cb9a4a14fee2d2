/*
 * sink - takes what is posted and writes each body as a line to a file: the
 * receiver of webhooks in the demo and in scenarios.
 *
 * usage: sink FILE [FAILURES [STATUS]]
 *
 * Listens on a free port of 127.0.0.1 and says "ready http://127.0.0.1:PORT/"
 * on standard output. The first FAILURES posts are answered STATUS (503) and
 * not written. One connection at a time, plain HTTP, ends with SIGTERM.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define REQUEST_BYTES (1u << 20)

static char request[REQUEST_BYTES + 1];

static int
listen_anywhere(void)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
	    listen(fd, 16) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
		perror("sink: listen");
		exit(1);
	}
	printf("ready http://127.0.0.1:%u/\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

/* Bytes of the body that the header announces; 0 without. */
static size_t
body_size(const char *header)
{
	const char *field = strcasestr(header, "\r\ncontent-length:");

	return field == NULL ? 0 : strtoul(field + 17, NULL, 10);
}

/* The body of one whole request, NULL when it does not come. */
static const char *
request_read(int fd)
{
	size_t got = 0;

	while (got < REQUEST_BYTES) {
		ssize_t n = read(fd, request + got, REQUEST_BYTES - got);
		char *end;

		if (n <= 0)
			return NULL;
		got += (size_t)n;
		request[got] = '\0';
		end = strstr(request, "\r\n\r\n");
		if (end == NULL)
			continue;
		end += 4;
		if (got - (size_t)(end - request) >= body_size(request))
			return end;
	}
	return NULL;
}

static void
line_write(int file, const char *body)
{
	struct {
		char text[REQUEST_BYTES + 2];
	} *line = malloc(sizeof(*line));
	size_t size = 0;

	if (line == NULL)
		abort();
	for (; *body != '\0'; body++)
		if (*body != '\n' && *body != '\r')
			line->text[size++] = *body;
	line->text[size++] = '\n';
	if (write(file, line->text, size) != (ssize_t)size) {
		perror("sink: write");
		exit(1);
	}
	free(line);
}

int
main(int argc, char **argv)
{
	long failures = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
	const char *status = argc > 3 ? argv[3] : "503";
	char answer[128];
	int file;
	int listener;

	if (argc < 2) {
		fputs("usage: sink FILE [FAILURES [STATUS]]\n", stderr);
		return 2;
	}
	file = open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (file < 0) {
		perror("sink: open");
		return 1;
	}
	listener = listen_anywhere();
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct timeval patience = {5, 0};
		const char *body;

		if (fd < 0)
			continue;
		setsockopt(
		    fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		body = request_read(fd);
		snprintf(answer, sizeof(answer),
		    "HTTP/1.1 %s -\r\nContent-Length: 0\r\nConnection: "
		    "close\r\n\r\n",
		    failures > 0 ? status : "204");
		if (body != NULL && failures <= 0)
			line_write(file, body);
		if (body != NULL && write(fd, answer, strlen(answer)) < 0)
			perror("sink: answer");
		if (body != NULL && failures > 0)
			failures--;
		close(fd);
	}
}

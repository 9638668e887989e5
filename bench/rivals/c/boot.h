// What both C responders share: options, listeners, and finding the end of a
// request. They show what the kernel alone costs, so nothing is parsed beyond
// that: every request is answered with Hello, World!
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REPLY                                   \
	"HTTP/1.1 200 OK\r\n"                       \
	"Content-Type: text/plain; charset=utf-8\r\n" \
	"Content-Length: 13\r\n\r\n"                \
	"Hello, World!"

enum {
	READ_SIZE = 4096,
	MAX_FDS = 65536,
	REPLY_LEN = sizeof(REPLY) - 1,
	// No read holds more requests than this: the shortest has 18 bytes.
	MAX_REPLIES = READ_SIZE / 18 + 1,
};

static char replies[MAX_REPLIES * REPLY_LEN];

// How much of "\r\n\r\n" each connection has sent so far.
static uint8_t matched[MAX_FDS];

static void die(const char *what) {
	perror(what);
	exit(1);
}

// Number of requests that end in these bytes.
static int count_requests(int fd, const char *bytes, int len) {
	static const char end[] = "\r\n\r\n";
	uint8_t state = matched[fd];
	int found = 0;
	for (int i = 0; i < len; i++) {
		if (bytes[i] == end[state]) {
			state++;
		} else {
			state = bytes[i] == '\r';
		}
		if (state == 4) {
			found++;
			state = 0;
		}
	}
	matched[fd] = state;
	return found;
}

static int listen_on(struct sockaddr_in *addr) {
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (fd < 0) die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)addr, sizeof *addr) < 0) die("bind");
	if (listen(fd, 4096) < 0) die("listen");
	socklen_t len = sizeof *addr;
	if (getsockname(fd, (struct sockaddr *)addr, &len) < 0) die("getsockname");
	return fd;
}

static void parse_options(int argc, char **argv, struct sockaddr_in *addr, int *workers) {
	*addr = (struct sockaddr_in){.sin_family = AF_INET};
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*workers = sysconf(_SC_NPROCESSORS_ONLN);
	for (int i = 1; i < argc; i += 2) {
		char *value = i + 1 < argc ? argv[i + 1] : "";
		char *colon = strrchr(value, ':');
		if (!strcmp(argv[i], "-workers") && atoi(value) > 0) {
			*workers = atoi(value);
		} else if (!strcmp(argv[i], "-addr") && colon) {
			*colon = 0;
			addr->sin_port = htons(atoi(colon + 1));
			if (inet_pton(AF_INET, value, &addr->sin_addr) != 1) {
				fprintf(stderr, "-addr wants an IPv4 address\n");
				exit(2);
			}
		} else {
			fprintf(stderr, "usage: %s [-addr host:port] [-workers n]\n", argv[0]);
			exit(2);
		}
	}
}

// Runs loop(listener) on as many threads as there are workers, each with its
// own listening socket.
static int run(int argc, char **argv, void *(*loop)(void *)) {
	struct sockaddr_in addr;
	int workers;
	parse_options(argc, argv, &addr, &workers);
	for (int i = 0; i < MAX_REPLIES; i++) memcpy(replies + i * REPLY_LEN, REPLY, REPLY_LEN);
	pthread_t thread;
	for (int i = 0; i < workers; i++) {
		int fd = listen_on(&addr);
		if (pthread_create(&thread, NULL, loop, (void *)(intptr_t)fd)) die("pthread_create");
	}
	char host[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &addr.sin_addr, host, sizeof host);
	printf("listening %s:%d\n", host, ntohs(addr.sin_port));
	fflush(stdout);
	pthread_join(thread, NULL);
	return 0;
}

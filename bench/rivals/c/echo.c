// An echo on epoll: one thread and one listening socket per worker, one read and one
// write per message.
#define _GNU_SOURCE
#include "boot.h"

#include <errno.h>
#include <sys/epoll.h>

static void watch(int ep, int fd) {
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static void accept_all(int ep, int listener) {
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) watch(ep, fd);
}

// A short write closes the connection: messages this small fit any socket buffer
// of a client that reads.
static void echo(int fd) {
	char buf[READ_SIZE];
	ssize_t len = read(fd, buf, sizeof buf);
	if (len < 0 && errno == EAGAIN) return;
	if (len <= 0 || write(fd, buf, len) != len) close(fd);
}

static void *loop(void *arg) {
	int listener = (intptr_t)arg;
	int ep = epoll_create1(0);
	if (ep < 0) die("epoll_create1");
	watch(ep, listener);
	struct epoll_event events[256];
	for (;;) {
		int n = epoll_wait(ep, events, 256, -1);
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd == listener) {
				accept_all(ep, listener);
			} else {
				echo(fd);
			}
		}
	}
	return NULL;
}

int main(int argc, char **argv) { return run(argc, argv, loop); }

// An echo of datagrams: one thread and one socket, a batch of them with each system call.
#define _GNU_SOURCE
#include "boot.h"

enum { BATCH = 32, MAX_DATAGRAM = 2048 };

static char data[BATCH][MAX_DATAGRAM];
static struct sockaddr_in peers[BATCH];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];

static void prepare(void) {
	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){.iov_base = data[i], .iov_len = MAX_DATAGRAM};
		messages[i].msg_hdr = (struct msghdr){
			.msg_name = &peers[i], .msg_namelen = sizeof peers[i],
			.msg_iov = &parts[i], .msg_iovlen = 1,
		};
	}
}

// What the kernel does not take, such as an answer to a socket that is closed, is lost.
static void echo(int fd) {
	int n = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
	if (n < 0) die("recvmmsg");
	for (int i = 0; i < n; i++) parts[i].iov_len = messages[i].msg_len;
	for (int sent = 0; sent < n;) {
		int m = sendmmsg(fd, messages + sent, n - sent, 0);
		sent += m > 0 ? m : 1;
	}
	for (int i = 0; i < n; i++) {
		parts[i].iov_len = MAX_DATAGRAM;
		messages[i].msg_hdr.msg_namelen = sizeof peers[i];
	}
}

int main(int argc, char **argv) {
	struct sockaddr_in addr;
	int workers;
	parse_options(argc, argv, &addr, &workers);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0) die("socket");
	if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0) die("bind");
	socklen_t len = sizeof addr;
	if (getsockname(fd, (struct sockaddr *)&addr, &len) < 0) die("getsockname");
	char host[INET_ADDRSTRLEN];
	inet_ntop(AF_INET, &addr.sin_addr, host, sizeof host);
	printf("listening %s:%d\n", host, ntohs(addr.sin_port));
	fflush(stdout);
	prepare();
	for (;;) echo(fd);
}

// An HTTP responder on io_uring: multishot accept and receive, buffers that the
// kernel picks, and one system call for all replies of a turn.
#define _GNU_SOURCE
#include "ring.h"

static void start_accept(struct ring *r, int listener) {
	next_sqe(r, IORING_OP_ACCEPT, listener)->ioprio = IORING_ACCEPT_MULTISHOT;
}

static void start_recv(struct ring *r, int fd) {
	struct io_uring_sqe *sqe = next_sqe(r, IORING_OP_RECV, fd);
	sqe->ioprio = IORING_RECV_MULTISHOT;
	sqe->flags = IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
}

static void start_send(struct ring *r, int fd, int count) {
	struct io_uring_sqe *sqe = next_sqe(r, IORING_OP_SEND, fd);
	sqe->addr = (uintptr_t)replies;
	sqe->len = count * REPLY_LEN;
	sqe->msg_flags = MSG_WAITALL | MSG_NOSIGNAL;
	// Success needs no completion of its own.
	sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
}

static void accepted(struct ring *r, int listener, struct io_uring_cqe *cqe) {
	if (cqe->res >= MAX_FDS) {
		close(cqe->res);
	} else if (cqe->res >= 0) {
		matched[cqe->res] = 0;
		start_recv(r, cqe->res);
	}
	if (!(cqe->flags & IORING_CQE_F_MORE)) start_accept(r, listener);
}

static void received(struct ring *r, int fd, struct io_uring_cqe *cqe) {
	if (cqe->res <= 0 && cqe->res != -ENOBUFS) {
		close(fd);
		return;
	}
	if (cqe->res > 0) {
		uint16_t id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
		int count = count_requests(fd, r->buffers + (size_t)id * READ_SIZE, cqe->res);
		give_buffer(r, id);
		if (count > 0) start_send(r, fd, count);
	}
	if (!(cqe->flags & IORING_CQE_F_MORE)) start_recv(r, fd);
}

static void *loop(void *arg) {
	int listener = (intptr_t)arg;
	struct ring r = {0};
	init_ring(&r);
	start_accept(&r, listener);
	for (;;) {
		enter(&r, 1);
		uint32_t head = *r.cq_head;
		uint32_t tail = __atomic_load_n(r.cq_tail, __ATOMIC_ACQUIRE);
		for (; head != tail; head++) {
			struct io_uring_cqe cqe = r.cqes[head & r.cq_mask];
			int op = cqe.user_data >> 32, fd = (uint32_t)cqe.user_data;
			if (op == IORING_OP_ACCEPT) accepted(&r, fd, &cqe);
			if (op == IORING_OP_RECV) received(&r, fd, &cqe);
		}
		__atomic_store_n(r.cq_head, head, __ATOMIC_RELEASE);
	}
	return NULL;
}

int main(int argc, char **argv) { return run(argc, argv, loop); }

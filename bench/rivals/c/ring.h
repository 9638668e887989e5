// The part of io_uring the responder needs, on raw system calls: one ring for
// one thread, and a ring of buffers that the kernel receives into.
#pragma once

#include "boot.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum {
	QUEUE = 4096,
	BUFFERS = 1024,
	GROUP = 0,
};

struct ring {
	int fd;
	uint32_t *sq_tail, sq_mask, pending, tail;
	struct io_uring_sqe *sqes;
	uint32_t *cq_head, *cq_tail, cq_mask;
	struct io_uring_cqe *cqes;
	struct io_uring_buf_ring *buf_ring;
	char *buffers;
};

static void *map(size_t size, int fd, off_t offset) {
	int flags = fd < 0 ? MAP_ANONYMOUS | MAP_PRIVATE : MAP_SHARED | MAP_POPULATE;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, offset);
	if (p == MAP_FAILED) die("mmap");
	return p;
}

static void give_buffer(struct ring *r, uint16_t id) {
	uint16_t tail = r->buf_ring->tail;
	struct io_uring_buf *buf = &r->buf_ring->bufs[tail & (BUFFERS - 1)];
	buf->addr = (uintptr_t)(r->buffers + (size_t)id * READ_SIZE);
	buf->len = READ_SIZE;
	buf->bid = id;
	__atomic_store_n(&r->buf_ring->tail, tail + 1, __ATOMIC_RELEASE);
}

static void init_buffers(struct ring *r) {
	r->buf_ring = map(BUFFERS * sizeof(struct io_uring_buf), -1, 0);
	r->buffers = map((size_t)BUFFERS * READ_SIZE, -1, 0);
	struct io_uring_buf_reg reg = {
		.ring_addr = (uintptr_t)r->buf_ring,
		.ring_entries = BUFFERS,
		.bgid = GROUP,
	};
	if (syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_PBUF_RING, &reg, 1) < 0)
		die("register buffers");
	for (int i = 0; i < BUFFERS; i++) give_buffer(r, i);
}

static void init_ring(struct ring *r) {
	struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
	r->fd = syscall(SYS_io_uring_setup, QUEUE, &p);
	if (r->fd < 0) die("io_uring_setup");
	size_t sq_size = p.sq_off.array + p.sq_entries * sizeof(uint32_t);
	size_t cq_size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	char *base = map(sq_size > cq_size ? sq_size : cq_size, r->fd, IORING_OFF_SQ_RING);
	r->sqes = map(p.sq_entries * sizeof(struct io_uring_sqe), r->fd, IORING_OFF_SQES);
	r->sq_tail = (uint32_t *)(base + p.sq_off.tail);
	r->sq_mask = p.sq_entries - 1;
	r->cq_head = (uint32_t *)(base + p.cq_off.head);
	r->cq_tail = (uint32_t *)(base + p.cq_off.tail);
	r->cq_mask = p.cq_entries - 1;
	r->cqes = (struct io_uring_cqe *)(base + p.cq_off.cqes);
	uint32_t *array = (uint32_t *)(base + p.sq_off.array);
	for (uint32_t i = 0; i < p.sq_entries; i++) array[i] = i;
	init_buffers(r);
}

// Submits what is pending and waits for at least that many completions.
static void enter(struct ring *r, int wait) {
	__atomic_store_n(r->sq_tail, r->tail, __ATOMIC_RELEASE);
	int n = syscall(SYS_io_uring_enter, r->fd, r->pending, wait, IORING_ENTER_GETEVENTS, NULL, 0);
	if (n >= 0) {
		r->pending -= n;
	} else if (errno != EINTR && errno != EAGAIN && errno != EBUSY) {
		die("io_uring_enter");
	}
}

static struct io_uring_sqe *next_sqe(struct ring *r, int op, int fd) {
	while (r->pending > r->sq_mask) enter(r, 0);
	struct io_uring_sqe *sqe = &r->sqes[r->tail++ & r->sq_mask];
	r->pending++;
	memset(sqe, 0, sizeof *sqe);
	sqe->opcode = op;
	sqe->fd = fd;
	sqe->user_data = (uint64_t)op << 32 | (uint32_t)fd;
	return sqe;
}

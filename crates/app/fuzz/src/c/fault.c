
/* Lets the n-th step of the next call that can fail do so. */
static int fault_begin(int nth)
{
	char text[16];
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fd == -1)
		return -1;
	snprintf(text, sizeof(text), "%d", nth);
	if (write(fd, text, strlen(text)) < 0) {
	}
	return fd;
}

static void fault_end(int fd)
{
	if (fd == -1)
		return;
	if (write(fd, "0", 1) < 0) {
	}
	close(fd);
}

static void fault_setup(void)
{
	write_file("/sys/kernel/debug/failslab/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/fail_futex/ignore-private", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", "N");
	write_file("/sys/kernel/debug/fail_page_alloc/min-order", "0");
}

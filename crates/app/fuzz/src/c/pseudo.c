//// syz_open_dev

/* A device: by type and number, or by a name in which # stands for a digit. */
static long syz_open_dev(long a0, long a1, long a2)
{
	char name[1024];
	if (a0 == 0xc || a0 == 0xb) {
		snprintf(name, sizeof(name), "/dev/%s/%d:%d", a0 == 0xc ? "char" : "block", (int)(a1 & 255), (int)(a2 & 255));
		return open(name, O_RDWR, 0);
	}
	name[0] = 0;
	TRY(strncpy(name, (char*)a0, sizeof(name) - 1));
	name[sizeof(name) - 1] = 0;
	char* hash;
	while ((hash = strchr(name, '#'))) {
		*hash = '0' + (char)(a1 % 10);
		a1 /= 10;
	}
	return open(name, a2, 0);
}
//// syz_open_procfs

static long syz_open_procfs(long a0, long a1)
{
	char name[128], file[64] = {0};
	TRY(strncpy(file, (char*)a1, sizeof(file) - 1));
	if (a0 == 0)
		snprintf(name, sizeof(name), "/proc/self/%s", file);
	else if (a0 == -1)
		snprintf(name, sizeof(name), "/proc/thread-self/%s", file);
	else
		snprintf(name, sizeof(name), "/proc/self/task/%d/%s", (int)a0, file);
	int fd = open(name, O_RDWR);
	return fd == -1 ? open(name, O_RDONLY) : fd;
}
//// syz_open_pts

static long syz_open_pts(long a0, long a1)
{
	int number = 0;
	char name[64];
	if (syscall(SYS_ioctl, a0, 0x80045430, &number))
		return -1;
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	return open(name, a1, 0);
}
//// syz_genetlink_get_family_id

/* Asks the generic netlink controller for a family's number. */
static long syz_genetlink_get_family_id(long a0, long a1)
{
	struct {
		uint32_t length;
		uint16_t type, flags;
		uint32_t sequence, pid;
		uint8_t command, version;
		uint16_t reserved;
		uint16_t size, attribute;
		char name[64];
	} ask;
	unsigned char answer[4096];
	memset(&ask, 0, sizeof(ask));
	TRY(strncpy(ask.name, (char*)a0, sizeof(ask.name) - 1));
	size_t name = strlen(ask.name) + 1;
	ask.type = 0x10;
	ask.flags = 1;
	ask.command = 3;
	ask.version = 1;
	ask.attribute = 2;
	ask.size = 4 + name;
	ask.length = 20 + ((ask.size + 3) & ~3u);
	int fd = a1, own = -1;
	if (fd < 0)
		fd = own = socket(16, SOCK_RAW, 16);
	long id = -1;
	if (send(fd, &ask, ask.length, 0) >= 0) {
		ssize_t length = recv(fd, answer, sizeof(answer), 0);
		for (ssize_t at = 20; at + 4 <= length;) {
			uint16_t size, kind;
			memcpy(&size, answer + at, 2);
			memcpy(&kind, answer + at + 2, 2);
			if (kind == 1 && at + 6 <= length) {
				uint16_t value;
				memcpy(&value, answer + at + 4, 2);
				id = value;
				break;
			}
			if (size < 4)
				break;
			at += (size + 3) & ~3;
		}
	}
	if (own >= 0)
		close(own);
	return id;
}
//// syz_init_net_socket

static long syz_init_net_socket(long a0, long a1, long a2)
{
	int own = open("/proc/self/ns/net", O_RDONLY);
	int first = open("/proc/1/ns/net", O_RDONLY);
	if (first >= 0 && setns(first, 0)) {
	}
	long fd = socket(a0, a1, a2);
	int saved = errno;
	if (own >= 0 && setns(own, 0)) {
	}
	close(own);
	close(first);
	errno = saved;
	return fd;
}
//// syz_memcpy_off

static long syz_memcpy_off(long a0, long a1, long a2, long a3, long a4)
{
	long result = -1;
	TRY(result = (long)memcpy((char*)a0 + a1, (char*)a2 + a3, a4));
	return result;
}
//// syz_create_resource

static long syz_create_resource(long a0)
{
	return a0;
}
//// syz_pidfd_open

static long syz_pidfd_open(long a0, long a1)
{
	return syscall(434, a0 == 1 ? 0 : a0, a1);
}
//// syz_clone

static long child_of(long pid)
{
	if (pid == 0) {
		sleep(2);
		_exit(0);
	}
	return pid;
}

static long syz_clone(long a0, long a1, long a2, long a3, long a4, long a5)
{
	long stack = (a1 + a2) & ~15l;
	return child_of(syscall(SYS_clone, a0 & ~0x100l, stack, a3, a4, a5));
}
//// syz_clone3

static long child_of_clone3(long pid)
{
	if (pid == 0) {
		sleep(2);
		_exit(0);
	}
	return pid;
}

static long syz_clone3(long a0, long a1)
{
	uint64_t words[11] = {0};
	size_t size = a1 < 0 || (size_t)a1 > sizeof(words) ? sizeof(words) : (size_t)a1;
	TRY(memcpy(words, (void*)a0, size));
	words[0] &= ~0x100ull;
	return child_of_clone3(syscall(435, words, size));
}
//// syz_execute_func

static long syz_execute_func(long a0)
{
	((void (*)(void))a0)();
	return 0;
}
//// syz_io_uring_setup

static long syz_io_uring_setup(long a0, long a1, long a2, long a3)
{
	uint32_t* p = (uint32_t*)a1;
	long fd = syscall(425, a0, p);
	if (fd < 0)
		return -1;
	TRY({
		size_t sq = p[10 + 6] + p[0] * 4;
		size_t cq = p[20 + 5] + p[1] * ((p[2] & 0x800) ? 32 : 16);
		size_t ring = sq > cq ? sq : cq;
		void* rings = mmap(0, ring, 3, MAP_SHARED | MAP_POPULATE, fd, 0);
		void* entries = mmap(0, p[0] * ((p[2] & 0x400) ? 128 : 64), 3, MAP_SHARED | MAP_POPULATE, fd, 0x10000000);
		if (a2)
			*(void**)a2 = rings;
		if (a3)
			*(void**)a3 = entries;
		uint32_t* array = (uint32_t*)((char*)rings + p[10 + 6]);
		for (uint32_t i = 0; i < p[0]; i++)
			array[i] = i;
	});
	return fd;
}
//// syz_io_uring_submit

static long syz_io_uring_submit(long a0, long a1, long a2)
{
	char* ring = (char*)a0;
	long result = -1;
	TRY({
		uint32_t flags = *(uint32_t*)(ring + 16 + 8 + 0);
		(void)flags;
		uint32_t mask = *(uint32_t*)(ring + 16);
		uint32_t* tail = (uint32_t*)(ring + 4);
		memcpy((char*)a1 + (*tail & mask) * 64, (void*)a2, 64);
		__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
		result = 0;
	});
	return result;
}
//// syz_io_uring_complete

static long syz_io_uring_complete(long a0, long a1)
{
	char* ring = (char*)a0;
	long result = -1;
	(void)a1;
	TRY({
		uint32_t* head = (uint32_t*)(ring + 8);
		uint32_t* tail = (uint32_t*)(ring + 12);
		uint32_t mask = *(uint32_t*)(ring + 20);
		if (*head != __atomic_load_n(tail, __ATOMIC_ACQUIRE)) {
			char* entry = ring + 64 + (*head & mask) * 16;
			uint64_t data = *(uint64_t*)entry;
			int32_t value = *(int32_t*)(entry + 8);
			__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
			if (data == 0x12345 || data == 0x23456)
				result = value;
		}
	});
	return result;
}
//// syz_io_uring_modify_offsets

static long syz_io_uring_modify_offsets(long a0, long a1, long a2)
{
	char* ring = (char*)a0;
	TRY(*(uint32_t*)(ring + a1) = a2);
	return 0;
}

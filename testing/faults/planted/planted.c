// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Twelve bugs for a fuzzer to find, behind an ioctl, a socket option and a ring in shared memory.
 *
 * They need one to four calls that depend on each other, and numbers that only the kernel's own comparisons
 * tell. Each crashes in a function of its own, so a report's title names the bug: tap_NAME. bugs.toml says
 * what each needs; planted.txt describes the calls.
 */
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

MODULE_LICENSE("Dual MIT/GPL");

/* Keeps functions away from an edge before which no page is mapped: an oops prints code before it. */
asm(".pushsection .text\n.skip 64, 0xcc\n.popsection");

static int *nowhere;

/*
 * A write through a null pointer, which no compiler may remove, of a number that no other writes: equal
 * functions would be made one, and all reports would name that.
 */
#define TAP(name, number)                                                                          \
	static noinline void tap_##name(void)                                                      \
	{                                                                                          \
		*(volatile int *)READ_ONCE(nowhere) = (number);                                    \
	}

TAP(word, 1)
TAP(wide, 2)
TAP(reused, 3)
TAP(overlong, 4)
TAP(circle, 5)
TAP(armed, 6)
TAP(option, 7)
TAP(derived, 8)
TAP(counted, 9)
TAP(opcode, 10)
TAP(twice, 11)
TAP(stale, 12)

/* The device: tanks that are made, filled, joined and emptied. */

struct tank_new {
	__u32 kind;
	__u32 size;
	__u32 id;
	__u32 pad;
};

struct tank_fill {
	__u32 id;
	__u32 offset;
	__u32 length;
	__u32 flags;
};

struct tank_join {
	__u32 from;
	__u32 to;
};

struct tank_key {
	__u64 wide;
	__u32 word;
	__u16 half;
	__u16 pad;
};

#define TANK_KEY _IOW('T', 1, struct tank_key)
#define TANK_NEW _IOWR('T', 2, struct tank_new)
#define TANK_FILL _IOW('T', 3, struct tank_fill)
#define TANK_FREE _IO('T', 4)
#define TANK_JOIN _IOW('T', 5, struct tank_join)
#define TANK_ARM _IOW('T', 6, struct tank_key)
#define TANK_FIRE _IO('T', 7)

#define TANKS 16

struct tank {
	__u32 kind;
	__u32 size;
	int joined;
	bool used;
	bool freed;
};

struct plant {
	struct mutex lock;
	struct tank tanks[TANKS];
	__u16 arm;
};

static int tank_key(const struct tank_key *key)
{
	/* One call, a word that nobody guesses. */
	if (key->word == 0x5ca1ab1e)
		tap_word();
	/* One call, two numbers, the second wide. */
	if (key->half == 0x7ea5 && key->wide == 0x0ddba11cafef00dULL)
		tap_wide();
	return 0;
}

static int tank_new(struct plant *plant, struct tank_new *new)
{
	__u32 id;

	if (new->kind > 3 || new->size == 0 || new->size > 4096)
		return -EINVAL;
	for (id = 0; id < TANKS; id++) {
		struct tank *tank = &plant->tanks[id];

		if (tank->used)
			continue;
		*tank = (struct tank){ .kind = new->kind, .size = new->size, .joined = -1, .used = true };
		new->id = id + 0x100;
		return 0;
	}
	return -ENOSPC;
}

static struct tank *tank_of(struct plant *plant, __u32 id)
{
	if (id < 0x100 || id >= 0x100 + TANKS)
		return NULL;
	return &plant->tanks[id - 0x100];
}

static int tank_fill(struct plant *plant, const struct tank_fill *fill)
{
	struct tank *tank = tank_of(plant, fill->id);

	if (!tank)
		return -ENOENT;
	/* Three calls: a tank is made, freed, and filled all the same. */
	if (tank->freed)
		tap_reused();
	if (!tank->used)
		return -ENOENT;
	/* Two calls: the sum is not checked, and only kind 2 has no end of its own. */
	if (fill->offset > tank->size)
		return -EINVAL;
	if (fill->offset + fill->length > tank->size) {
		if (tank->kind == 2 && fill->flags & 4)
			tap_overlong();
		return -EINVAL;
	}
	return 0;
}

static int tank_free(struct plant *plant, __u32 id)
{
	struct tank *tank = tank_of(plant, id);

	if (!tank || !tank->used)
		return -ENOENT;
	tank->used = false;
	/* Kind 1 is forgotten as it should be. */
	tank->freed = tank->kind != 1;
	return 0;
}

static int tank_join(struct plant *plant, const struct tank_join *join)
{
	struct tank *from = tank_of(plant, join->from), *to = tank_of(plant, join->to);

	if (!from || !to || !from->used || !to->used || from == to)
		return -EINVAL;
	from->joined = join->to - 0x100;
	/* Four calls: two tanks are joined both ways round. */
	if (to->joined == join->from - 0x100)
		tap_circle();
	return 0;
}

static long plant_ioctl(struct file *file, unsigned int number, unsigned long argument)
{
	struct plant *plant = file->private_data;
	void __user *from = (void __user *)argument;
	union {
		struct tank_key key;
		struct tank_new new;
		struct tank_fill fill;
		struct tank_join join;
	} it = {};
	long result = -ENOTTY;

	if (_IOC_TYPE(number) != 'T' || _IOC_SIZE(number) > sizeof(it))
		return -ENOTTY;
	if (_IOC_DIR(number) & _IOC_WRITE && copy_from_user(&it, from, _IOC_SIZE(number)))
		return -EFAULT;
	mutex_lock(&plant->lock);
	switch (number) {
	case TANK_KEY:
		result = tank_key(&it.key);
		break;
	case TANK_NEW:
		result = tank_new(plant, &it.new);
		break;
	case TANK_FILL:
		result = tank_fill(plant, &it.fill);
		break;
	case TANK_FREE:
		result = tank_free(plant, argument);
		break;
	case TANK_JOIN:
		result = tank_join(plant, &it.join);
		break;
	case TANK_ARM:
		plant->arm = it.key.half;
		result = 0;
		break;
	case TANK_FIRE:
		/* Two calls: what the first left must be a number that only the second compares. */
		if (plant->arm == 0xf1ee)
			tap_armed();
		result = 0;
		break;
	}
	mutex_unlock(&plant->lock);
	if (!result && _IOC_DIR(number) & _IOC_READ && copy_to_user(from, &it, _IOC_SIZE(number)))
		return -EFAULT;
	return result;
}

static int plant_open(struct inode *inode, struct file *file)
{
	struct plant *plant = kzalloc(sizeof(*plant), GFP_KERNEL);

	if (!plant)
		return -ENOMEM;
	mutex_init(&plant->lock);
	file->private_data = plant;
	return 0;
}

static int plant_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static const struct file_operations plant_operations = {
	.owner = THIS_MODULE,
	.open = plant_open,
	.release = plant_release,
	.unlocked_ioctl = plant_ioctl,
};

static struct miscdevice plant_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "planted",
	.fops = &plant_operations,
	.mode = 0666,
};

/* The socket options: of SOL_IP, a range that nobody uses. */

#define PIPE_BASE 7400
#define PIPE_SET (PIPE_BASE + 0)
#define PIPE_SEED (PIPE_BASE + 1)
#define PIPE_PROOF (PIPE_BASE + 2)
#define PIPE_COUNT (PIPE_BASE + 3)

struct pipe_set {
	__u32 length;
	__u32 flags;
	__u64 cookie;
};

static __u32 pipe_seed;
static int pipe_counted;

static int pipe_set(struct sock *sk, int option, sockptr_t value, unsigned int length)
{
	struct pipe_set set = {};

	if (length > sizeof(set))
		return -EINVAL;
	if (copy_from_sockptr(&set, value, length))
		return -EFAULT;
	switch (option) {
	case PIPE_SET:
		/* One call: flags that must be and a length that must not be. */
		if (length == sizeof(set) && set.flags == 0x0badf00d && set.length > length)
			tap_option();
		return 0;
	case PIPE_SEED:
		pipe_seed = set.length;
		return pipe_seed ? 0 : -EINVAL;
	case PIPE_PROOF:
		/* Two calls: the second number is made of the first. */
		if (pipe_seed && set.length == (pipe_seed ^ 0xa5a5a5a5))
			tap_derived();
		return 0;
	case PIPE_COUNT:
		/* Three calls of one kind, in steps that follow each other. */
		if (set.flags != 0x600d0000 + pipe_counted) {
			pipe_counted = 0;
			return -EINVAL;
		}
		if (++pipe_counted == 3) {
			pipe_counted = 0;
			tap_counted();
		}
		return 0;
	}
	return -ENOPROTOOPT;
}

static struct nf_sockopt_ops pipe_options = {
	.pf = PF_INET,
	.set_optmin = PIPE_BASE,
	.set_optmax = PIPE_BASE + 4,
	.set = pipe_set,
	.owner = THIS_MODULE,
};

/* The ring: a page that is mapped, entries that are written into it, a call that takes them. */

struct ring_entry {
	__u32 opcode;
	__u32 flags;
	__u64 address;
};

#define RING_ENTRIES 8

struct ring_page {
	__u32 head;
	__u32 tail;
	struct ring_entry entries[RING_ENTRIES];
};

struct ring {
	struct mutex lock;
	struct ring_page *page;
	bool locked;
	bool registered;
	bool was_registered;
};

#define RING_ENTER _IO('R', 1)
#define RING_REGISTER _IO('R', 2)
#define RING_UNREGISTER _IO('R', 3)

static int ring_run(struct ring *ring, const struct ring_entry *entry)
{
	switch (entry->opcode) {
	case 1:
		/* Two entries: a lock that is taken twice. */
		if (ring->locked && entry->flags == 0x10c4)
			tap_twice();
		ring->locked = true;
		return 0;
	case 2:
		ring->locked = false;
		return 0;
	case 3:
		/* Four calls: made, registered, unregistered, and used. */
		if (!ring->registered && ring->was_registered)
			tap_stale();
		return ring->registered ? 0 : -ENXIO;
	case 0x77:
		/* One entry with an address that is looked for. */
		if (entry->address == 0xfeedfacedeadbeefULL)
			tap_opcode();
		return 0;
	}
	return -EINVAL;
}

static long ring_ioctl(struct file *file, unsigned int number, unsigned long argument)
{
	struct ring *ring = file->private_data;
	long result = 0;

	mutex_lock(&ring->lock);
	switch (number) {
	case RING_ENTER:
		for (result = 0; result < RING_ENTRIES; result++) {
			__u32 head = READ_ONCE(ring->page->head);
			struct ring_entry entry;

			if (head == READ_ONCE(ring->page->tail))
				break;
			entry = ring->page->entries[head % RING_ENTRIES];
			WRITE_ONCE(ring->page->head, head + 1);
			if (ring_run(ring, &entry))
				break;
		}
		break;
	case RING_REGISTER:
		if (ring->registered)
			result = -EBUSY;
		ring->registered = true;
		break;
	case RING_UNREGISTER:
		if (!ring->registered)
			result = -ENXIO;
		ring->was_registered = ring->registered;
		ring->registered = false;
		break;
	default:
		result = -ENOTTY;
	}
	mutex_unlock(&ring->lock);
	return result;
}

static int ring_mmap(struct file *file, struct vm_area_struct *area)
{
	struct ring *ring = file->private_data;

	return remap_vmalloc_range(area, ring->page, 0);
}

static ssize_t ring_write(struct file *file, const char __user *from, size_t count, loff_t *at)
{
	struct ring *ring = file->private_data;

	/* For those who do not map it. */
	if (count > sizeof(*ring->page))
		return -EINVAL;
	if (copy_from_user(ring->page, from, count))
		return -EFAULT;
	return count;
}

static int ring_open(struct inode *inode, struct file *file)
{
	struct ring *ring = kzalloc(sizeof(*ring), GFP_KERNEL);

	if (!ring)
		return -ENOMEM;
	ring->page = vmalloc_user(PAGE_SIZE);
	if (!ring->page) {
		kfree(ring);
		return -ENOMEM;
	}
	mutex_init(&ring->lock);
	file->private_data = ring;
	return 0;
}

static int ring_release(struct inode *inode, struct file *file)
{
	struct ring *ring = file->private_data;

	vfree(ring->page);
	kfree(ring);
	return 0;
}

static const struct file_operations ring_operations = {
	.owner = THIS_MODULE,
	.open = ring_open,
	.release = ring_release,
	.write = ring_write,
	.mmap = ring_mmap,
	.unlocked_ioctl = ring_ioctl,
};

static struct miscdevice ring_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "planted_ring",
	.fops = &ring_operations,
	.mode = 0666,
};

static int __init planted_init(void)
{
	int error = misc_register(&plant_device);

	if (error)
		return error;
	error = misc_register(&ring_device);
	if (error)
		goto no_ring;
	error = nf_register_sockopt(&pipe_options);
	if (error)
		goto no_options;
	return 0;
no_options:
	misc_deregister(&ring_device);
no_ring:
	misc_deregister(&plant_device);
	return error;
}
module_init(planted_init);

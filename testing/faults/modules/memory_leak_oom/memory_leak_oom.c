// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Kernel memory that is never freed, until the out-of-memory killer ends innocent tasks.
 *
 * "record" keeps every page that it takes. The killer can only end processes, and none of them holds
 * that memory: the one with the most pages of its own dies first.
 */
#include "../fault.h"
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/sched.h>

#define TAPE_PIECE_ORDER 3

static LIST_HEAD(tape);

struct tape_piece {
	struct list_head link;
};

static noinline struct tape_piece *tape_cut(void)
{
	return (struct tape_piece *)__get_free_pages(GFP_KERNEL, TAPE_PIECE_ORDER);
}

static noinline int tape_record(int mebibytes)
{
	long left = ((long)mebibytes << 20) / (PAGE_SIZE << TAPE_PIECE_ORDER);

	while (left-- > 0) {
		struct tape_piece *piece = tape_cut();

		if (!piece)
			return -ENOMEM;
		list_add(&piece->link, &tape);
		cond_resched();
	}
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "record", tape_record },
	{}
};

static int __init tape_init(void)
{
	return fault_register();
}
module_init(tape_init);

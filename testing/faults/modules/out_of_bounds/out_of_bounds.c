// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A write past the end of an allocated object: its neighbour's bytes are lost.
 */
#include "../fault.h"
#include <linux/slab.h>

#define BOX_BYTES 52

static char *box;

static noinline void box_put(int at)
{
	WRITE_ONCE(box[at], 'x');
}

static noinline int box_fill(int count)
{
	int at;

	box = kzalloc(BOX_BYTES, GFP_KERNEL);
	if (!box)
		return -ENOMEM;
	for (at = 0; at < count; at++)
		box_put(at);
	return 0;
}

static noinline int box_burn(int unused)
{
	kfree(box);
	box = NULL;
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "fill", box_fill },
	{ "burn", box_burn },
	{}
};

static int __init box_init(void)
{
	return fault_register();
}
module_init(box_init);

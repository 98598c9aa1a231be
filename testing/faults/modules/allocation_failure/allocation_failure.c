// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A page allocation that fails although memory is plentiful.
 *
 * The nodes it may use, passed by the caller, are none that has memory. Zones far above their marks in the report
 * show that nothing is short.
 */
#include "../fault.h"
#include <linux/gfp.h>
#include <linux/nodemask.h>
#include <linux/topology.h>

static noinline int canvas_grow(int unused)
{
	nodemask_t nodes = NODE_MASK_NONE;
	struct page *page;

	node_set(1, nodes);
	page = __alloc_pages(GFP_KERNEL, 0, numa_node_id(), &nodes);
	if (!page)
		return -ENOMEM;
	__free_pages(page, 0);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "grow", canvas_grow },
	{}
};

static int __init canvas_init(void)
{
	return fault_register();
}
module_init(canvas_init);

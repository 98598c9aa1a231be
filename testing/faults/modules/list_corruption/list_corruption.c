// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A list entry removed twice.
 */
#include "../fault.h"
#include <linux/list.h>

struct queue_guest {
	struct list_head link;
};

static LIST_HEAD(queue_guests);
static struct queue_guest queue_first, queue_second;

static noinline int queue_leave(int unused)
{
	list_del(&queue_first.link);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "leave", queue_leave },
	{}
};

static int __init queue_init(void)
{
	list_add_tail(&queue_first.link, &queue_guests);
	list_add_tail(&queue_second.link, &queue_guests);
	return fault_register();
}
module_init(queue_init);

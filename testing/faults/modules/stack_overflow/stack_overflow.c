// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A recursion that does not end: the stack's guard page is hit.
 */
#include "../fault.h"
#include <linux/compiler.h>

static noinline int maze_walk(int depth)
{
	char trail[512];

	memset(trail, depth, sizeof(trail));
	barrier_data(trail);
	if (depth > 1 << 20)
		return trail[0];
	return maze_walk(depth + 1) + trail[depth & 511];
}

static noinline int maze_enter(int unused)
{
	return maze_walk(0) ? -ERANGE : 0;
}

static const struct fault_command fault_commands[] = {
	{ "enter", maze_enter },
	{}
};

static int __init maze_init(void)
{
	return fault_register();
}
module_init(maze_init);

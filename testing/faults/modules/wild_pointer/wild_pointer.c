// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A pointer that was overwritten with text: a general protection fault.
 */
#include "../fault.h"

struct map_tile {
	struct map_tile *next;
	unsigned long height;
};

static union {
	struct map_tile *tile;
	char text[8];
} map_start;

static noinline int map_rename(int unused)
{
	memcpy(map_start.text, "untitled", sizeof(map_start.text));
	return 0;
}

static noinline int map_height(int unused)
{
	struct map_tile *tile = READ_ONCE(map_start.tile);

	return tile && READ_ONCE(tile->height) ? -ERANGE : 0;
}

static const struct fault_command fault_commands[] = {
	{ "rename", map_rename },
	{ "height", map_height },
	{}
};

static int __init map_init(void)
{
	return fault_register();
}
module_init(map_init);

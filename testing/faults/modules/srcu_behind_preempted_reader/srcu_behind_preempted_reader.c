// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A preempted RCU reader, an SRCU reader behind it, a closing task behind both.
 *
 * "browse 20" needs a while inside rcu_read_lock() and is preempted there by a real-time task on its
 * CPU ("encode 60", SCHED_FIFO). "flush" waits for that grace period inside an SRCU section, "close"
 * waits for the SRCU section. No cycle: everything goes on once the reader gets its CPU.
 */
#include "../fault.h"
#include <linux/rcupdate.h>
#include <linux/srcu.h>

DEFINE_STATIC_SRCU(album_srcu);

static noinline int album_browse(int seconds)
{
	rcu_read_lock();
	fault_spin(seconds);
	rcu_read_unlock();
	return 0;
}

static noinline int album_encode(int seconds)
{
	fault_spin(seconds);
	return 0;
}

static noinline int album_flush(int unused)
{
	int index = srcu_read_lock(&album_srcu);

	synchronize_rcu();
	srcu_read_unlock(&album_srcu, index);
	return 0;
}

static noinline int album_close(int unused)
{
	synchronize_srcu(&album_srcu);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "browse", album_browse },
	{ "encode", album_encode },
	{ "flush", album_flush },
	{ "close", album_close },
	{}
};

static int __init album_init(void)
{
	return fault_register();
}
module_init(album_init);

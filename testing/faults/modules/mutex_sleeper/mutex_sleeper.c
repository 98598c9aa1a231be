// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * A mutex held by a task that sleeps, and three tasks that wait for it.
 *
 * "sync 90" keeps archive.lock while it waits, interruptibly, for an operator who does not come: the
 * hung-task detector does not list such a sleeper, only its victims. SysRq t shows it.
 */
#include "../fault.h"
#include <linux/mutex.h>
#include <linux/wait.h>

static struct {
	struct mutex lock;
	wait_queue_head_t operator;
	bool confirmed;
} archive;

static noinline int archive_confirm(int seconds)
{
	return wait_event_interruptible_timeout(archive.operator, archive.confirmed,
						seconds * HZ) < 0 ? -EINTR : 0;
}

static noinline int archive_sync(int seconds)
{
	int error;

	mutex_lock(&archive.lock);
	error = archive_confirm(seconds);
	mutex_unlock(&archive.lock);
	return error;
}

static noinline int archive_append(int unused)
{
	mutex_lock(&archive.lock);
	archive.confirmed = false;
	mutex_unlock(&archive.lock);
	return 0;
}

static const struct fault_command fault_commands[] = {
	{ "sync", archive_sync },
	{ "append", archive_append },
	{}
};

static int __init archive_init(void)
{
	mutex_init(&archive.lock);
	init_waitqueue_head(&archive.operator);
	return fault_register();
}
module_init(archive_init);

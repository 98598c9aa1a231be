
/* Each call runs on a thread of its own, so that one that does not return does not hold up the others. */
#define THREADS 16

struct worker {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int call;
	int busy;
	int made;
};
static struct worker workers[THREADS];

static void* worker_main(void* argument)
{
	struct worker* self = argument;
	catch_faults();
	for (;;) {
		pthread_mutex_lock(&self->mutex);
		while (!self->busy)
			pthread_cond_wait(&self->changed, &self->mutex);
		pthread_mutex_unlock(&self->mutex);
		make_call(self->call);
		pthread_mutex_lock(&self->mutex);
		self->busy = 0;
		pthread_cond_broadcast(&self->changed);
		pthread_mutex_unlock(&self->mutex);
	}
	return NULL;
}

static void worker_wait(struct worker* self, int ms)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&self->mutex);
	while (self->busy && pthread_cond_timedwait(&self->changed, &self->mutex, &until) == 0)
		;
	pthread_mutex_unlock(&self->mutex);
}

static void run_calls(void)
{
	for (int call = 0; call < CALLS; call++) {
		for (int i = 0; i < THREADS; i++) {
			struct worker* self = &workers[i];
			if (!self->made) {
				self->made = 1;
				pthread_mutex_init(&self->mutex, NULL);
				pthread_cond_init(&self->changed, NULL);
				pthread_attr_t attr;
				pthread_attr_init(&attr);
				pthread_attr_setstacksize(&attr, 128 << 10);
				if (pthread_create(&self->thread, &attr, worker_main, self))
					_exit(1);
			}
			pthread_mutex_lock(&self->mutex);
			int busy = self->busy;
			if (!busy) {
				self->call = call;
				self->busy = 1;
				pthread_cond_broadcast(&self->changed);
			}
			pthread_mutex_unlock(&self->mutex);
			if (busy)
				continue;
			if (!call_async[call])
				worker_wait(self, 50 + call_timeout[call]);
			break;
		}
	}
	for (int i = 0; i < THREADS; i++)
		if (workers[i].made)
			worker_wait(&workers[i], 20);
}

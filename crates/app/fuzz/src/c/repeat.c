
/* One process for each run; it is ended if it takes too long. */
static void repeat(void)
{
	for (unsigned long long run = 0; !TIMES || run < TIMES; run++) {
		char folder[32];
		snprintf(folder, sizeof(folder), "./%llu", run);
		if (IN_FOLDER && mkdir(folder, 0777)) {
		}
		pid_t pid = fork();
		if (pid == -1)
			exit(1);
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			setpgid(0, 0);
			write_file("/proc/self/oom_score_adj", "1000");
			if (IN_FOLDER && chdir(folder)) {
			}
			run_calls();
			CLOSE_FDS
			exit(0);
		}
		unsigned long long start = now_ms();
		int status = 0;
		while (waitpid(-1, &status, WNOHANG | __WALL) != pid) {
			if (now_ms() - start > 5000 + PROGRAM_TIMEOUT) {
				kill(-pid, SIGKILL);
				kill(pid, SIGKILL);
				while (waitpid(-1, &status, __WALL) != pid)
					;
				break;
			}
			usleep(1000);
		}
	}
}

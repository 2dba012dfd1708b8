/*
 * The process that stands between the bot and one job.
 */
#ifndef DEPLOY_SUPERVISOR_H
#define DEPLOY_SUPERVISOR_H

/*
 * `kcibot run-job DIR`: runs the job of DIR/spec.json and writes
 * DIR/exit.json (deploy/job.h).  Outlives the bot; SIGHUP and SIGINT are
 * ignored, SIGTERM is only remembered: a job that is ended by a signal after
 * it is "error", not "failure".  Returns the exit status of main.
 */
int supervisor_main(const char *dir);

#endif

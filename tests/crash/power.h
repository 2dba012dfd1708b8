/*
 * A power cut: of what was written, only what was synced is left.
 *
 * The shim notes each file that is synced, and each folder, in a ledger: a
 * folder of its own with
 *
 *   f-INODE   what the file held when it was last synced
 *   d-INODE   what the folder listed: lines "TYPE INODE NAME"
 *
 * That is the least that POSIX promises: a name is there when its folder was
 * synced after it was made, its text when the file was; what was removed is
 * there again until its folder was synced.  File systems mostly keep more.
 *
 * When the bot was killed the keeper lets the jobs end (that they die with
 * the power is their verdict "vanished", another matter), and puts into the
 * state folder what the ledger has.
 */
#ifndef TESTS_CRASH_POWER_H
#define TESTS_CRASH_POWER_H

#include <stdbool.h>

#define LEDGER_FILE "%s/f-%llu"
#define LEDGER_FOLDER "%s/d-%llu"

/*
 * Makes the folder state what the ledger says, and exits the program when it
 * cannot.  Git's mirrors are not in the ledger: they stay as they are, or,
 * with empty_mirrors, all of their files are there and empty.
 */
void power_cut(const char *state, const char *ledger, bool empty_mirrors);

#endif

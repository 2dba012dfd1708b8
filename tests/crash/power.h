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
 * cannot.  What git does in the mirrors is not in the ledger; as it is told
 * to sync objects and refs, these stay, and the rest is there and empty.  With
 * empty_mirrors that happens to all of their files.
 */
void power_cut(const char *state, const char *ledger, bool empty_mirrors);

#endif

// Loaded before PostgreSQL, it makes of the machine's disk one that lies: what is to be synced is said to be, and is
// not.
#include <sys/types.h>

extern "C" {

int fsync(int) { return 0; }
int fdatasync(int) { return 0; }
int syncfs(int) { return 0; }
int sync_file_range(int, off64_t, off64_t, unsigned int) { return 0; }
void sync() {}
}

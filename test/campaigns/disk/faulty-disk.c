/*
 * A disk that fails on purpose, under a real process: preloaded, it stands in front of the system calls that work on
 * the files of one folder, counts them, and lets those fail that it is told to (a write after half of its bytes). It
 * can keep a journal of all that was done, so that a power cut can be played: what was not synced is gone.
 * `faulty-disk.ts` is the other side.
 */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, WRITE = 2, SYNC = 4, TRUNCATE = 8, UNLINK = 16, RENAME = 32, READ = 64 };

/* Shared with whoever gives the orders. An operation counts if its kind is in `kinds` and its file's name ends in `name`. */
struct control {
  int64_t operations, first, last, code, failures, kinds;
  char name[64];
};

struct record {
  int64_t kind, handle, offset, length, failed;
};

#define FDS 65536
static struct control *control;
static const char *folder;
static size_t folder_length;
static int journal = -1;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
/* Of the files that are open: a number that is never used again, the path, and the inode. */
static int64_t handles[FDS];
static char *paths[FDS];
static ino_t inodes[FDS];
static int64_t last_handle;

#define REAL(type, name, ...) static type (*real_##name)(__VA_ARGS__)
REAL(int, open, const char *, int, ...);
REAL(int, openat, int, const char *, int, ...);
REAL(int, close, int);
REAL(ssize_t, write, int, const void *, size_t);
REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
REAL(ssize_t, writev, int, const struct iovec *, int);
REAL(ssize_t, read, int, void *, size_t);
REAL(ssize_t, pread, int, void *, size_t, off_t);
REAL(int, fsync, int);
REAL(int, fdatasync, int);
REAL(int, ftruncate, int, off_t);
REAL(int, unlink, const char *);
REAL(int, rename, const char *, const char *);

__attribute__((constructor)) static void begin(void) {
#define FIND(name) *(void **)&real_##name = dlsym(RTLD_NEXT, #name)
  FIND(open), FIND(openat), FIND(close), FIND(write), FIND(pwrite), FIND(pwritev), FIND(writev), FIND(read);
  FIND(pread), FIND(fsync), FIND(fdatasync), FIND(ftruncate), FIND(unlink), FIND(rename);
  folder = getenv("FAULTY_DISK_FOLDER");
  folder_length = folder == NULL ? 0 : strlen(folder);
  const char *shared = getenv("FAULTY_DISK_CONTROL");
  if (folder == NULL || shared == NULL) return;
  int fd = real_open(shared, O_RDWR | O_CLOEXEC);
  if (fd < 0) abort();
  void *page = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) abort();
  const char *log = getenv("FAULTY_DISK_JOURNAL");
  if (log != NULL && (journal = real_open(log, O_WRONLY | O_APPEND | O_CLOEXEC)) < 0) abort();
  control = page;
}

static int is_inside(const char *path) {
  return control != NULL && path != NULL && strncmp(path, folder, folder_length) == 0 &&
         (path[folder_length] == '/' || path[folder_length] == 0);
}

static void forget(int fd) {
  if (fd < 0 || fd >= FDS) return;
  free(paths[fd]);
  paths[fd] = NULL;
}

/* Of a file of the folder. Not all that closes a file goes by here: the number may belong to something else by now. */
static const char *path_of(int fd) {
  struct stat stat;
  if (control == NULL || fd < 0 || fd >= FDS || paths[fd] == NULL) return NULL;
  if (fstat(fd, &stat) == 0 && stat.st_ino == inodes[fd]) return paths[fd];
  forget(fd);
  return NULL;
}

/* Counts an operation. 1 if it has to fail: `errno` is set. */
static int fails(int kind, const char *path) {
  size_t have = strlen(path), want = strlen(control->name);
  if ((control->kinds & kind) == 0 || have < want || strcmp(path + have - want, control->name) != 0) return 0;
  int64_t number = __atomic_add_fetch(&control->operations, 1, __ATOMIC_SEQ_CST);
  if (number < control->first || number > control->last || control->code == 0) return 0;
  __atomic_add_fetch(&control->failures, 1, __ATOMIC_SEQ_CST);
  errno = (int)control->code;
  return 1;
}

static void lock(void) {
  if (journal >= 0) pthread_mutex_lock(&order);
}

static void unlock(void) {
  int code = errno;
  if (journal >= 0) pthread_mutex_unlock(&order);
  errno = code;
}

static void note(int kind, int64_t handle, int64_t offset, const void *data, size_t length, int failed) {
  if (journal < 0) return;
  int code = errno;
  struct record record = {kind, handle, offset, (int64_t)length, failed};
  struct iovec parts[] = {{&record, sizeof record}, {(void *)data, data == NULL ? 0 : length}};
  if (real_writev(journal, parts, 2) < 0) abort();
  errno = code;
}

static int opened(int fd, const char *path, int flags) {
  struct stat stat;
  forget(fd);
  if (fd < 0 || fd >= FDS || fstat(fd, &stat) != 0) return fd;
  handles[fd] = ++last_handle;
  paths[fd] = strdup(path);
  inodes[fd] = stat.st_ino;
  note(OPEN, handles[fd], flags & O_TRUNC ? 1 : 0, path, strlen(path), 0);
  return fd;
}

static int do_open(const char *path, int flags, mode_t mode) {
  if (!is_inside(path)) {
    int other = real_open(path, flags, mode);
    forget(other);
    return other;
  }
  lock();
  int fd = fails(OPEN, path) ? -1 : opened(real_open(path, flags, mode), path, flags);
  unlock();
  return fd;
}

#define MODE(last, flags)                                    \
  mode_t mode = 0;                                           \
  if ((flags) & (O_CREAT | O_TMPFILE)) {                     \
    va_list more;                                            \
    va_start(more, last);                                    \
    mode = va_arg(more, mode_t);                             \
    va_end(more);                                            \
  }

int open(const char *path, int flags, ...) {
  MODE(flags, flags)
  return do_open(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  MODE(flags, flags)
  return do_open(path, flags | O_LARGEFILE, mode);
}

int openat(int at, const char *path, int flags, ...) {
  MODE(flags, flags)
  return is_inside(path) ? do_open(path, flags, mode) : real_openat(at, path, flags, mode);
}

int close(int fd) {
  forget(fd);
  return real_close(fd);
}

static ssize_t do_write(int fd, const void *bytes, size_t length, off_t offset) {
  lock();
  int isBroken = fails(WRITE, paths[fd]), code = errno;
  ssize_t written = real_pwrite(fd, bytes, isBroken ? length / 2 : length, offset);
  if (written > 0) note(WRITE, handles[fd], offset, bytes, (size_t)written, 0);
  if (isBroken) errno = code, written = -1;
  unlock();
  return written;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
  return path_of(fd) == NULL ? real_pwrite(fd, bytes, length, offset) : do_write(fd, bytes, length, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  return pwrite(fd, bytes, length, offset);
}

/* At the place where the file is: nobody writes the files of the folder in this way and reads them in another. */
ssize_t write(int fd, const void *bytes, size_t length) {
  if (path_of(fd) == NULL) return real_write(fd, bytes, length);
  off_t place = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
  ssize_t written = do_write(fd, bytes, length, place);
  if (written > 0) lseek(fd, place + written, SEEK_SET);
  return written;
}

/* Only the first part: a caller has to be ready for that. */
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
  if (path_of(fd) == NULL || count == 0) return real_pwritev(fd, parts, count, offset);
  return do_write(fd, parts[0].iov_base, parts[0].iov_len, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  return pwritev(fd, parts, count, offset);
}

ssize_t read(int fd, void *bytes, size_t length) {
  const char *path = path_of(fd);
  return path != NULL && fails(READ, path) ? -1 : real_read(fd, bytes, length);
}

ssize_t pread(int fd, void *bytes, size_t length, off_t offset) {
  const char *path = path_of(fd);
  return path != NULL && fails(READ, path) ? -1 : real_pread(fd, bytes, length, offset);
}

ssize_t pread64(int fd, void *bytes, size_t length, off64_t offset) { return pread(fd, bytes, length, offset); }

/* After a failed sync the kernel calls the pages clean: whoever reads the journal knows what that means. */
static int do_sync(int fd, int (*sync)(int)) {
  if (path_of(fd) == NULL) return sync(fd);
  lock();
  int result = fails(SYNC, paths[fd]) ? -1 : sync(fd);
  note(SYNC, handles[fd], 0, NULL, 0, result != 0);
  unlock();
  return result;
}

int fsync(int fd) { return do_sync(fd, real_fsync); }
int fdatasync(int fd) { return do_sync(fd, real_fdatasync); }

int ftruncate(int fd, off_t length) {
  if (path_of(fd) == NULL) return real_ftruncate(fd, length);
  lock();
  int result = fails(TRUNCATE, paths[fd]) ? -1 : real_ftruncate(fd, length);
  if (result == 0) note(TRUNCATE, handles[fd], length, NULL, 0, 0);
  unlock();
  return result;
}

int ftruncate64(int fd, off64_t length) { return ftruncate(fd, length); }

int unlink(const char *path) {
  if (!is_inside(path)) return real_unlink(path);
  lock();
  int result = fails(UNLINK, path) ? -1 : real_unlink(path);
  if (result == 0) note(UNLINK, 0, 0, path, strlen(path), 0);
  unlock();
  return result;
}

int rename(const char *from, const char *to) {
  if (!is_inside(from)) return real_rename(from, to);
  lock();
  int result = fails(RENAME, from) ? -1 : real_rename(from, to);
  if (result == 0) {
    size_t first = strlen(from), second = strlen(to);
    char *both = malloc(first + second + 1);
    memcpy(both, from, first);
    both[first] = '\n';
    memcpy(both + first + 1, to, second);
    note(RENAME, 0, 0, both, first + second + 1, 0);
    free(both);
  }
  unlock();
  return result;
}

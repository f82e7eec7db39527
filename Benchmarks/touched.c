/* touched LIST PROGRAM ARGUMENT...: runs the program and writes to LIST which of its functions were called, in the order of
   their first calls; forked copies of it count, programs that they start do not. The program must have its symbols.

   The list is what the linker lays the functions out by (`make order`). Each function begins with a breakpoint that is
   taken out when it is hit, so the program runs at nearly its own speed. x86-64 Linux. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define BREAKPOINT 0xCC

struct function {
  uint64_t address;
  const char *name;
  unsigned char first; /* the byte that the breakpoint replaces */
  int called;
};

static struct function *functions;
static size_t count;

static void fail(const char *what, const char *on) {
  fprintf(stderr, "touched: %s: %s\n", on, what);
  exit(1);
}

static int by_address(const void *one, const void *other) {
  uint64_t a = ((const struct function *)one)->address, b = ((const struct function *)other)->address;
  return (a > b) - (a < b);
}

static struct function *find(uint64_t address) {
  struct function wanted = {.address = address};
  return bsearch(&wanted, functions, count, sizeof wanted, by_address);
}

/* Takes the functions from the symbol table; names stay where the file is mapped. */
static void read_symbols(const char *program) {
  int fd = open(program, O_RDONLY);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0) fail(strerror(errno), program);
  const char *file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (file == MAP_FAILED) fail(strerror(errno), program);
  close(fd);
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)file;
  if (memcmp(file, ELFMAG, SELFMAG) || header->e_machine != EM_X86_64) fail("no program for x86-64 Linux", program);
  const Elf64_Shdr *sections = (const Elf64_Shdr *)(file + header->e_shoff);
  for (int i = 0; i < header->e_shnum; i++) {
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    const Elf64_Sym *symbols = (const Elf64_Sym *)(file + sections[i].sh_offset);
    const char *names = file + sections[sections[i].sh_link].sh_offset;
    size_t total = sections[i].sh_size / sizeof *symbols;
    functions = calloc(total, sizeof *functions);
    for (size_t k = 0; k < total; k++) {
      if (ELF64_ST_TYPE(symbols[k].st_info) != STT_FUNC || symbols[k].st_shndx == SHN_UNDEF || !symbols[k].st_size) continue;
      functions[count++] = (struct function){.address = symbols[k].st_value, .name = names + symbols[k].st_name};
    }
  }
  if (!count) fail("it has no symbols", program);
  qsort(functions, count, sizeof *functions, by_address);
  size_t kept = 1; /* one name an address is enough for the linker */
  for (size_t i = 1; i < count; i++) {
    if (functions[i].address != functions[kept - 1].address) functions[kept++] = functions[i];
  }
  count = kept;
}

static int memory_of(pid_t process) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/mem", process);
  return open(path, O_RDWR | O_CLOEXEC);
}

static uint64_t set_breakpoints(pid_t process) {
  char path[64], line[256] = "";
  snprintf(path, sizeof path, "/proc/%d/maps", process);
  FILE *maps = fopen(path, "r");
  if (!maps || !fgets(line, sizeof line, maps)) fail("cannot be read", path);
  fclose(maps);
  uint64_t base = strtoull(line, NULL, 16); /* the program itself is mapped first */
  const unsigned char breakpoint = BREAKPOINT;
  int memory = memory_of(process);
  for (size_t i = 0; i < count; i++) {
    off_t place = (off_t)(base + functions[i].address);
    if (pread(memory, &functions[i].first, 1, place) != 1 || pwrite(memory, &breakpoint, 1, place) != 1) {
      fail("its memory cannot be written", functions[i].name);
    }
  }
  close(memory);
  return base;
}

int main(int argc, char **argv) {
  if (argc < 3) fail("wants a file for the list and a program", "usage");
  read_symbols(argv[2]);
  FILE *list = fopen(argv[1], "w");
  if (!list) fail(strerror(errno), argv[1]);
  setvbuf(list, NULL, _IOLBF, 0);
  pid_t program = fork();
  if (program == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  int status, result = 0;
  waitpid(program, &status, 0);
  ptrace(PTRACE_SETOPTIONS, program, 0,
         PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
  ptrace(PTRACE_CONT, program, 0, 0);
  /* Who starts us signals the program's group, and that is ours too. */
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  uint64_t base = 0;
  for (;;) {
    pid_t process = waitpid(-1, &status, __WALL);
    if (process < 0 && errno == EINTR) continue;
    if (process < 0) return result;
    if (!WIFSTOPPED(status)) {
      if (process == program) result = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
      continue;
    }
    int number = WSTOPSIG(status), event = status >> 16;
    if (event == PTRACE_EVENT_EXEC && base != 0) {
      ptrace(PTRACE_DETACH, process, 0, 0);
      continue;
    }
    if (event == PTRACE_EVENT_EXEC) base = set_breakpoints(process);
    if (event) number = 0;
    if (number == SIGTRAP) {
      struct user_regs_struct registers;
      ptrace(PTRACE_GETREGS, process, 0, &registers);
      struct function *function = find(registers.rip - 1 - base);
      if (function) {
        int memory = memory_of(process);
        if (pwrite(memory, &function->first, 1, (off_t)registers.rip - 1) != 1) fail("its memory is gone", function->name);
        close(memory);
        if (!function->called) fprintf(list, "%s\n", function->name);
        function->called = 1;
        registers.rip--;
        ptrace(PTRACE_SETREGS, process, 0, &registers);
        number = 0;
      }
    }
    /* The stop with which a thread or a copy begins is ours. */
    ptrace(PTRACE_CONT, process, 0, number == SIGSTOP ? 0 : number);
  }
}

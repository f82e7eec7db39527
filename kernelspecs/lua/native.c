/* What Lua itself cannot do for the bridge: own SIGINT, wait for a frame, keep descriptors from children.

   An interrupt arrives as a debug hook in the coroutine that runs, which raises the error "interrupted!".
   coroutine.resume and coroutine.wrap are replaced because only they know which coroutine that is. Code that
   catches the error has one second to clean up; then every further instruction raises it again, so that a
   loop around pcall ends too. A second interrupt does not wait for that second. */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <lauxlib.h>
#include <lua.h>

#if LUA_VERSION_NUM != 504
#error "these are not the headers of Lua 5.4"
#endif

enum { REQUESTS = 3, EVENTS = 4 };

static lua_State *volatile current;             /* the coroutine that runs */
static volatile sig_atomic_t running;           /* user code runs: a signal is meant for it */
static volatile sig_atomic_t pending;           /* a signal that has not become an error yet */
static volatile sig_atomic_t interrupted;       /* this cell has had a signal */
static volatile sig_atomic_t merciless;         /* the time to clean up is over */
static volatile sig_atomic_t shielded;          /* inside the bridge: the error has to wait */
static volatile sig_atomic_t ints, urgs;
static time_t raised_at;                        /* in milliseconds */

static time_t milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void hook(lua_State *L, lua_Debug *ar) {
    (void)ar;
    if (!running || !interrupted) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    if (shielded) return;
    if (pending) {
        pending = 0;
        raised_at = milliseconds();
    } else if (!merciless) {
        if (milliseconds() - raised_at < 1000) {
            lua_sethook(L, hook, LUA_MASKCOUNT, 1000);
            return;
        }
        merciless = 1;
    }
    lua_sethook(L, hook, LUA_MASKCOUNT, merciless ? 1 : 1000);
    luaL_error(L, "interrupted!");
}

static void arm(lua_State *L) {
    lua_sethook(L, hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static void listen_for(int number, void (*handler)(int), int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigaddset(&action.sa_mask, SIGINT);         /* one after the other: SIGURG must find SIGINT counted */
    sigaddset(&action.sa_mask, SIGURG);
    sigaction(number, &action, NULL);
}

/* SIGURG follows every SIGINT of the server. It counts only where SIGINT was lost: os.execute ignores it. */
static void on_signal(int number) {
    if (!running) return;
    if (number == SIGINT) ints++;
    else if (++urgs <= ints) return;
    else ints = urgs;
    if (interrupted) {
        merciless = 1;
        listen_for(SIGINT, on_signal, 0);       /* a read that still blocks ends with EINTR */
    }
    interrupted = pending = 1;
    arm(current);
}

/* run(f, handler): f under xpcall, as user code. Returns: was it interrupted, was it well, results. */
static int run(lua_State *L) {
    int status;
    lua_settop(L, 2);
    lua_insert(L, 1);
    current = L;
    pending = interrupted = merciless = ints = urgs = 0;
    running = 1;
    status = lua_pcall(L, 0, LUA_MULTRET, 1);
    running = 0;
    shielded = 0;
    lua_sethook(L, NULL, 0, 0);
    listen_for(SIGINT, on_signal, SA_RESTART);
    lua_pushboolean(L, status == LUA_OK && !pending);
    lua_replace(L, 1);
    lua_pushboolean(L, interrupted);
    lua_insert(L, 1);
    return lua_gettop(L);
}

/* call(f): f, called without a name, so that a traceback has "in main chunk". */
static int call(lua_State *L) {
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static void hold_signals(sigset_t *before) {
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGURG);
    sigprocmask(SIG_BLOCK, &ours, before);
}

/* os.execute(command), without ignoring SIGINT: one that comes before the shell has begun is passed on. */
static int execute(lua_State *L) {
    const char *command = luaL_optstring(L, 1, NULL);
    char *argv[] = {"sh", "-c", (char *)command, NULL};
    posix_spawnattr_t attributes;
    sigset_t before, defaults;
    pid_t pid;
    int status, error;
    if (!command) {
        lua_pushboolean(L, 1);
        return 1;
    }
    hold_signals(&before);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGURG);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &before);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    error = posix_spawn(&pid, "/bin/sh", NULL, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (error) {
        errno = error;
        return luaL_execresult(L, -1);
    }
    if (running && pending) kill(pid, SIGINT);
    while ((error = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {}
    if (error < 0) return luaL_execresult(L, -1);
    errno = 0;                                  /* luaL_execresult would take it for a failure of the call */
    return luaL_execresult(L, status);
}

static int call_shielded(lua_State *L) {
    int status;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    shielded++;
    status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
    shielded--;
    return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

/* shield(f): a function that does what f does and is never left halfway. */
static int shield(lua_State *L) {
    lua_settop(L, 1);
    lua_pushcclosure(L, call_shielded, 1);
    return 1;
}

/* read(): what has come on descriptor 3; nil at its end, false when an interrupt came first. */
static int read_requests(lua_State *L) {
    static char buffer[1 << 16];
    sigset_t theirs;
    ssize_t count;
    hold_signals(&theirs);
    for (;;) {
        struct pollfd poll = {REQUESTS, POLLIN, 0};
        if (running && pending) {
            sigprocmask(SIG_SETMASK, &theirs, NULL);
            lua_pushboolean(L, 0);
            return 1;
        }
        if (ppoll(&poll, 1, NULL, &theirs) > 0) break;
        if (errno != EINTR) break;
    }
    while ((count = read(REQUESTS, buffer, sizeof buffer)) < 0 && errno == EINTR) {}
    sigprocmask(SIG_SETMASK, &theirs, NULL);
    if (count <= 0) return 0;
    lua_pushlstring(L, buffer, count);
    return 1;
}

/* write(frame): all of it, whatever signals come. */
static int write_events(lua_State *L) {
    size_t left;
    const char *data = luaL_checklstring(L, 1, &left);
    while (left) {
        ssize_t count = write(EVENTS, data, left);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return luaL_error(L, "descriptor %d: %s", EVENTS, strerror(errno));
        data += count;
        left -= count;
    }
    return 0;
}

/* Runs co with the arguments on top of L; the number of results, or -1 and the error object. */
static int resume(lua_State *L, lua_State *co, int arguments) {
    int status, results;
    if (!lua_checkstack(co, arguments)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, arguments);
    current = co;
    if (running && interrupted) arm(co);
    status = lua_resume(co, L, arguments, &results);
    current = L;
    if (running && interrupted) arm(L);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(co, L, 1);
        return -1;
    }
    if (!lua_checkstack(L, results + 1)) {
        lua_pop(co, results);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(co, L, results);
    return results;
}

static int co_resume(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    int results;
    luaL_argexpected(L, co, 1, "coroutine");
    results = resume(L, co, lua_gettop(L) - 1);
    lua_pushboolean(L, results >= 0);
    lua_insert(L, results < 0 ? -2 : -(results + 1));
    return results < 0 ? 2 : results + 1;
}

static int call_wrapped(lua_State *L) {
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    int results = resume(L, co, lua_gettop(L));
    if (results >= 0) return results;
    if (lua_status(co) != LUA_OK && lua_status(co) != LUA_YIELD) {
        lua_pushvalue(L, -1);
        lua_xmove(L, co, 1);                    /* the to-be-closed variables see the error */
        lua_resetthread(co);
        lua_settop(co, 0);
    }
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int co_wrap(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    lua_State *co = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

int luaopen_parley(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"run", run}, {"call", call}, {"shield", shield}, {"read", read_requests}, {"write", write_events},
        {"execute", execute}, {"resume", co_resume}, {"wrap", co_wrap}, {NULL, NULL},
    };
    for (int fd = REQUESTS; fd <= EVENTS; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
    listen_for(SIGINT, on_signal, SA_RESTART);
    listen_for(SIGURG, on_signal, SA_RESTART);
    luaL_newlib(L, functions);
    return 1;
}

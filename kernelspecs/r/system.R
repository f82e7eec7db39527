# Programs that cells start. They must not inherit the bridge's pipes, and R must learn when one was
# interrupted: it ignores SIGINT while it waits for a program, and goes on as if nothing had been. A
# second interrupt is SIGTERM for the program. A timeout of R's own is a SIGINT, too, and no interrupt.

# The command in a subshell of its own, so that whatever it says stays whole.
guarded <- function(command, mark = NULL) paste0("exec ", wire$closing, " </dev/null; ",
    if (!is.null(mark)) paste0("trap ': >", mark, "' INT TERM; : >", mark, ".ready; "), "(", command, "\n)")

TIMED_OUT <- 124L

watched <- function(command, timeout, call, run) {
    if (length(command) != 1L || !is.character(command) || is.na(command)) return(run(command))
    mark <- tempfile("interrupted")
    ready <- paste0(mark, ".ready")     # a shell that has not come so far has died of the interrupt
    on.exit(unlink(c(mark, ready)))
    told <- guarded(command, mark)
    result <- withCallingHandlers(run(told), warning = function(condition) {
        warning(simpleWarning(sub(told, command, conditionMessage(condition), fixed = TRUE), call))
        tryInvokeRestart("muffleWarning")
    }, error = function(condition) stop(simpleError(conditionMessage(condition), call)))
    status <- if (is.character(result)) attr(result, "status") else result
    if ((file.exists(mark) || !file.exists(ready)) && !(timeout > 0 && identical(status, TIMED_OUT))) raise_interrupt()
    result
}

raise_interrupt <- function() {
    condition <- structure(class = c("interrupt", "condition"), list())
    signalCondition(condition)
    invokeRestart("abort")
}

replace_system <- function() {
    # The bodies of R's own, where they call what runs the command.
    run <- function(command, intern, timeout) {
        status <- if (grepl("&[[:space:]]*$", command) && !intern) .Internal(system(guarded(command), FALSE, timeout))
            else watched(command, timeout, sys.call(-1L), function(command) .Internal(system(command, intern, timeout)))
        if (intern) status else invisible(status)
    }
    for (name in c("system", "system2")) {
        fun <- get(name, baseenv())
        body(fun) <- redirected(body(fun), run)
        replace_in("base", name, fun)
    }
    open_pipe <- base::pipe
    replace_in("base", "pipe", function(description, open = "", encoding = getOption("encoding"))
        open_pipe(guarded(description), open, encoding))
}

# .Internal(system(...)) becomes run(...), wherever it is.
redirected <- function(code, run) {
    if (!is.call(code)) return(code)
    if (identical(code[[1L]], quote(.Internal)) && identical(code[[2L]][[1L]], quote(system)))
        return(as.call(c(list(run), as.list(code[[2L]])[-1L])))
    for (i in seq_along(code)) if (!identical(code[[i]], quote(expr = ))) code[i] <- list(redirected(code[[i]], run))
    code
}

# Errors, interrupts, warnings and messages.

bridge <- environment()

# Handlers below all of the user's own; whoever clears them gets them back with the next cell.
take_conditions <- function() {
    installed <- names(globalCallingHandlers())
    # While one of them runs, those after it are in force: the last is for an interrupt at the first
    # instructions of on_failure. R would end the cell by itself then, and nobody knew why.
    if (!all(c("error", "interrupt", "message", "warning") %in% installed))
        globalCallingHandlers(message = on_message, warning = on_warning, error = on_failure, interrupt = on_failure,
            interrupt = function(condition) on_failure(condition))
}

# Interrupts wait while it runs; R gets round to one that came meanwhile before it reads its next line.
on_failure <- function(condition) suspendInterrupts({
    if (is_forked() || !cell$running) return()
    calls <- users_calls(sys.nframe() - 1L, inherits(condition, "interrupt"))
    cell$failure <- describe(condition, calls)
    at_prompt(".Traceback", rev(lapply(calls, deparse, width.cutoff = 60L)))
    on_error <- getOption("error")
    if (!is.null(on_error) && inherits(condition, "error")) run_users_handler(on_error)
    show_warnings()   # or R does so now
    invokeRestart("abort")
})

# options(error = ): it may take for ever.
run_users_handler <- function(on_error) {
    options(error = NULL)
    tryCatch(allowInterrupts(
        if (is.function(on_error)) on_error() else for (code in as.expression(on_error)) eval(code, globalenv())),
        interrupt = function(condition) NULL, finally = options(error = on_error))
}

# The calls below frame n, without R's helper that calls the handler. Of the bridge's own only those
# remain that the user has called by name; an interrupt is of no interest further down.
users_calls <- function(n, cut) {
    calls <- sys.calls()[seq_len(n)]
    if (n && identical(calls[[n]][[1L]], quote(.handleSimpleError))) n <- n - 1L
    ours <- vapply(seq_len(n), function(i) is_ours(sys.function(i)), NA)
    if (n && (identical(sys.function(1L), prompt$step) || identical(sys.function(1L), prompt$line))) return(list())
    keep <- !ours | (!c(FALSE, ours[-n]) & vapply(calls[seq_len(n)], function(call) !is.function(call[[1L]]), NA))
    if (cut && any(ours)) keep[seq_len(n) > which(ours)[1L]] <- FALSE
    calls[seq_len(n)][keep]
}

is_ours <- function(fun) {
    place <- environment(fun)
    while (!is.null(place) && !identical(place, bridge)) {
        if (identical(place, globalenv()) || isNamespace(place) || identical(place, emptyenv())) return(FALSE)
        place <- parent.env(place)
    }
    !is.null(place)
}

describe <- function(condition, calls) {
    if (inherits(condition, "interrupt"))
        return(list(ename = "KeyboardInterrupt", evalue = "",
            traceback = c("KeyboardInterrupt", place(), traced(calls))))
    message <- tryCatch(conditionMessage(condition), error = function(other) "the message of this condition cannot be read")
    call <- conditionCall(condition)
    head <- if (is.null(call)) paste("Error:", message) else {
        call <- deparse(call, nlines = 1L)[1L]
        paste0("Error in ", call, if (nchar(call) + nchar(message) > 60L) " : \n  " else " : ", message)
    }
    list(ename = class(condition)[1L], evalue = message, traceback = c(strsplit(head, "\n", fixed = TRUE)[[1L]], place(), traced(calls)))
}

# Which line of the cell the running expression begins at.
place <- function() {
    refs <- attr(cell$expressions, "srcref")
    if (cell$at && cell$at <= length(refs)) sprintf("  %s, line %d", cell$file, refs[[cell$at]][1L])
}

traced <- function(calls) {
    if (!length(calls)) return()
    lines <- vapply(calls, function(call) {
        text <- deparse(call, nlines = 2L, width.cutoff = 80L)
        text <- if (length(text) > 1L || nchar(text[1L]) > 100L) paste(substr(text[1L], 1L, 100L), "...") else text
        ref <- attr(call, "srcref")
        if (!is.null(ref)) {
            from <- attr(ref, "srcfile")$filename
            text <- sprintf("%s   # %s, line %d", text, if (length(from) && nzchar(from)) from else "source", ref[1L])
        }
        text
    }, "")
    lines <- sprintf("%d. %s", seq_along(lines), lines)
    if (length(lines) > 40L)
        lines <- c(lines[1:10], sprintf("... %d more", length(lines) - 30L), utils::tail(lines, 20L))
    c("Traceback:", lines)
}

# R has gone back to its prompt without telling: the C stack was at its end, `invokeRestart("abort")`, ...
unnoticed <- function() {
    text <- sub("^Error: ", "", trimws(geterrmessage()))
    if (!nzchar(text)) text <- "the rest of the cell was abandoned"
    list(ename = if (grepl("C stack", text)) "CStackOverflowError" else "Abandoned", evalue = text,
        traceback = c(text, place()))
}

on_message <- function(condition) {
    if (is_forked() || !cell$running || sink.number("message") != 2L) return()
    suspendInterrupts(emit("stream", list(name = "stderr", text = conditionMessage(condition))))
    tryInvokeRestart("muffleMessage")
}

# R keeps warnings for the end of the expression; with options(warn = 1) they are told at once.
on_warning <- function(condition) {
    if (is_forked() || !cell$running) return()
    if (getOption("warn") != 1L || sink.number("message") != 2L) cell$warned <- TRUE
    else {
        call <- conditionCall(condition)
        message <- conditionMessage(condition)
        head <- if (is.null(call)) "Warning: " else {
            call <- deparse(call, nlines = 1L)[1L]
            paste0("Warning in ", call, if (nchar(call) + nchar(message) > 58L) " :\n  " else " : ")
        }
        suspendInterrupts(emit("stream", list(name = "stderr", text = paste0(head, message, "\n"))))
        tryInvokeRestart("muffleWarning")
    }
}

show_warnings <- function() {
    if (!isTRUE(cell$warned)) return()
    cell$warned <- FALSE
    if (getOption("warn") != 0L || sink.number("message") != 2L) return(.Internal(printDeferredWarnings()))
    # This tells R that they were printed, and gives them to warnings().
    nowhere <- file(nullfile(), "w")
    sink(nowhere, type = "message")
    .Internal(printDeferredWarnings())
    sink(type = "message")
    close(nowhere)
    found <- get0("last.warning", baseenv())
    if (!length(found)) return()
    names(found) <- sub("\\(exec [^;]*; (.*)", "(\\1", names(found))   # a command in its wrapping
    text <- if (length(found) <= 10L) utils::capture.output(print(structure(found, class = "warnings")))
        else sprintf(if (length(found) < 50L) "There were %d warnings (use warnings() to see them)"
            else "There were %d or more warnings (use warnings() to see the first 50)", length(found))
    emit("stream", list(name = "stderr", text = paste0(text, "\n", collapse = "")))
}

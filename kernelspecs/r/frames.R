# Frames: docs/bridge-protocol.md. R prints on descriptors 1 and 2 by itself and flushes after every
# write; what must not be overtaken by such text is sent with an ack.

# The originals: input.R and system.R replace them.
readLines <- base::readLines
pid <- Sys.getpid()
wire <- new.env()
wire$seq <- 0L
wire$question <- 0L

OPEN <- list(
    requests = function() fifo("/proc/self/fd/3", "r", blocking = TRUE),
    answers = function() fifo("/proc/self/fd/3", "r", blocking = FALSE),
    # file() and not fifo(), which writes only once and loses the rest when a signal comes.
    events = function() file("/proc/self/fd/4", "wb", raw = TRUE),
    lines = function() file("/proc/self/fd/0", "ab", raw = TRUE))

open_wire <- function() {
    for (name in names(OPEN)) wire[[name]] <- OPEN[[name]]()
    # R has no close-on-exec: children are started without these (system.R). A shell
    # can close what has one digit; there is nothing else open so early.
    wire$pipes <- Sys.readlink(c("/proc/self/fd/3", "/proc/self/fd/4", "/proc/self/fd/0"))
    all <- list.files("/proc/self/fd", full.names = TRUE)
    numbers <- as.integer(basename(all[Sys.readlink(all) %in% wire$pipes]))
    wire$closing <- paste0(setdiff(numbers[numbers < 10L], 0L), "<&-", collapse = " ")
}

# What close(getConnection(n)) in a cell has closed is opened again.
use <- function(name, action) tryCatch(action(wire[[name]]), error = function(condition) {
    wire[[name]] <- OPEN[[name]]()
    action(wire[[name]])
})

write_to <- function(name, lines) use(name, function(connection) {
    writeLines(lines, connection, useBytes = TRUE)
    flush(connection)
})

# A forked child has our descriptors and must not use them.
is_forked <- function() Sys.getpid() != pid

put <- function(head, content) {
    if (is_forked()) return(invisible(FALSE))
    write_to("events", c(to_json(head), to_json(content)))
    invisible(TRUE)
}

# Output of the running cell. What R prints next comes after it.
emit <- function(msg_type, content) {
    wire$seq <- wire$seq + 1L
    if (put(list(msg_type = msg_type, id = cell$id, ack = TRUE, seq = wire$seq), content))
        repeat {
            frame <- take()
            if (frame$head$msg_type == "ack" && identical(as.integer(frame$head$seq), wire$seq)) break
        }
    invisible()
}

sync <- function() suspendInterrupts(emit("sync", empty_object))

take <- function() {
    lines <- use("requests", function(connection) readLines(connection, 2L, encoding = "UTF-8"))
    # A SIGINT that came while nothing ran is nobody's.
    if (!cell$running) tryCatch(check_interrupt(), interrupt = function(condition) NULL)
    if (length(lines) < 2L) quit("no", 0L, runLast = TRUE)   # the server is gone
    list(head = from_json(lines[[1L]]), content = from_json(lines[[2L]]))
}

# Asks the user. R cannot be interrupted while it waits in a read, but in Sys.sleep.
ask <- function(prompt = "", password = FALSE) {
    refuse <- function(text) stop(structure(class = c("StdinNotImplementedError", "error", "condition"),
        list(message = text, call = NULL)))
    if (is_forked()) refuse("a forked process cannot ask for input")
    if (!isTRUE(cell$allow_stdin)) refuse("this front end cannot be asked for input; run the cell where it can, or read from a file")
    wire$question <- wire$question + 1L
    suspendInterrupts(put(list(msg_type = "input_request", id = wire$question),
        list(prompt = paste(prompt, collapse = ""), password = password)))
    lines <- character()
    repeat {
        suspendInterrupts(lines <- c(lines, use("answers", function(connection)
            readLines(connection, 2L - length(lines), encoding = "UTF-8"))))
        if (length(lines) < 2L) {
            Sys.sleep(0.02)
            next
        }
        head <- from_json(lines[[1L]])
        answer <- from_json(lines[[2L]])
        lines <- character()
        if (identical(head$msg_type, "input_reply") && head$id == wire$question) break
    }
    switch(answer$status, ok = answer$value, eof = NULL, refuse(answer$evalue))
}

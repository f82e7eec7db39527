# Cells, expression by expression, at R's own top level.
#
# The line that R's prompt reads is LINE. Its loop forces the promise `cell` for each expression: no
# function is being called then, so user code sees the frames, the warnings and the calls that it
# would see at a prompt. Where an expression fails, R goes back to the prompt, reads LINE again, and
# `step` finds the cell unfinished.
#
# Only one line may be in the pipe: R waits for the descriptor before it looks into its buffer.

# It names .userHooksEnv because that is in base: nothing of ours has to be on the search path.
LINE <- gsub("@", ".userHooksEnv$.parley", "@$line(); while (@$step()) @$cell", fixed = TRUE)

prompt <- new.env()
cell <- new.env()
cell$id <- 0L
cell$running <- FALSE

next_line <- function() write_to("lines", LINE)

prompt$line <- function() suspendInterrupts({
    next_line()
    cell$thrown <- TRUE   # of no meaning when no cell is running
    cell$warned <- FALSE  # R has told them by now
    invisible()
})

# Interrupts are kept for the user's code; one that comes in here is acted on when this returns.
prompt$step <- function() suspendInterrupts({
    if (is_forked()) quit("no", 1L, runLast = FALSE)
    if (cell$running) {
        if (cell$thrown) fail(cell$failure)
        else {
            check_interrupt()   # one that R has not got round to
            took_value()
        }
    }
    cell$thrown <- FALSE
    while (!(cell$running && set_promise())) {
        if (cell$running) succeed()
        serve(take())
    }
    TRUE
})

# R looks for interrupts when it sleeps, however short.
check_interrupt <- function() allowInterrupts(Sys.sleep(0))

serve <- function(frame) {
    request <- frame$content
    switch(frame$head$msg_type,
        execute_request = start_cell(frame$head$id, request),
        complete_request = answer(frame$head, complete(request$code, request$cursor_pos),
            list(status = "ok", matches = list(), cursor_start = request$cursor_pos,
                cursor_end = request$cursor_pos, metadata = empty_object)),
        inspect_request = answer(frame$head, inspect(request$code, request$cursor_pos, request$detail_level),
            list(status = "ok", found = FALSE, data = empty_object, metadata = empty_object)),
        is_complete_request = answer(frame$head, is_complete(request$code), list(status = "unknown")),
        shutdown_request = quit("no"))
}

# Looking things up may run the user's code, which may fail, or take for ever.
answer <- function(head, content, otherwise) {
    content <- suppressMessages(suppressWarnings(tryCatch(allowInterrupts(content),
        error = function(condition) otherwise, interrupt = function(condition) otherwise)))
    put(list(msg_type = sub("request", "reply", head$msg_type), id = head$id), content)
}

# ---- from start to end ----------------------------------------------------------------------------

start_cell <- function(id, request) {
    cell$id <- id
    cell$running <- TRUE
    cell$silent <- isTRUE(request$silent)
    cell$allow_stdin <- !identical(request$allow_stdin, FALSE)
    cell$user_expressions <- request$user_expressions
    cell$payload <- list()
    cell$failure <- NULL
    .Internal(seterrmessage(""))
    cell$warned <- FALSE
    cell$phase <- "value"
    cell$at <- 0L
    cell$expressions <- expression()
    cell$sinks <- sink.number()
    cell$file <- paste0("<cell ", request$execution_count, ">")
    lines <- strsplit(as_read(request$code), "\n", fixed = TRUE)[[1L]]
    ready_line()
    tempdir(check = TRUE)   # a cell may have removed it
    take_conditions()
    parsed <- tryCatch(
        parse(text = lines, keep.source = TRUE, encoding = "UTF-8", srcfile = srcfilecopy(cell$file, lines)),
        error = identity)
    if (inherits(parsed, "error")) {
        message <- sub("^.*?(<cell [0-9]*>:|$)", "\\1", conditionMessage(parsed))
        fail(list(ename = "ParseError", evalue = strsplit(message, "\n")[[1L]][1L], traceback = paste("Error:", message)))
    } else cell$expressions <- parsed
}

# Lines that end as on other systems, which R takes from files but not from text.
as_read <- function(code) gsub("\r\n?", "\n", code, perl = TRUE)

# What reads the console natively may have eaten the line that is kept for the prompt.
ready_line <- function() {
    peek <- fifo("/proc/self/fd/0", "r", blocking = FALSE)
    readLines(peek)
    close(peek)
    next_line()
}

# Puts the next thing to be evaluated into the promise; FALSE when there is none.
set_promise <- function() {
    if (cell$phase == "value") {
        if (cell$at >= length(cell$expressions)) return(FALSE)
        cell$at <- cell$at + 1L
        code <- bquote(.Internal(withVisible(.(cell$expressions[[cell$at]]))))
        where <- globalenv()
    } else {
        code <- if (isS4(cell$value)) quote(methods::show(value)) else quote(print(value))
        where <- new.env(parent = globalenv())
        where$value <- cell$value
    }
    do.call(delayedAssign, list("cell", code, where, prompt), quote = FALSE)
    TRUE
}

took_value <- function() {
    show_warnings()
    if (cell$phase == "print") return(printed())
    result <- prompt$cell
    if (!result$visible) return()
    at_prompt(".Last.value", result$value)
    if (cell$silent) return()
    if (page_of(result$value)) return()
    cell$value <- result$value
    cell$bundle <- rich_bundle(cell$value)
    cell$last <- cell$at == length(cell$expressions)
    # To print these would be to open a browser.
    if (inherits(cell$value, c("htmlwidget", "shiny.tag", "shiny.tag.list")) && length(cell$bundle$data))
        return(show_value(paste0("<", class(cell$value)[1L], ">")))
    cell$phase <- "print"
    if (cell$last || length(cell$bundle$data)) start_capture()
}

printed <- function() {
    cell$phase <- "value"
    if (is.null(cell$capture)) return()
    text <- end_capture()
    # A table that prints nothing wants to be quiet: `:=` of data.table.
    if (nzchar(text) || length(cell$bundle$data) && !is.data.frame(cell$value)) show_value(text)
    cell$value <- NULL
}

show_value <- function(text) {
    if (cell$last) flush_plot()
    emit(if (cell$last) "execute_result" else "display_data", list(
        data = c(cell$bundle$data, list("text/plain" = text)),
        metadata = as_object(cell$bundle$metadata), transient = empty_object))
}

# What is printed meanwhile becomes the text of a result.
start_capture <- function() {
    cell$capture <- file("", "w+", encoding = "UTF-8")
    cell$captured_above <- sink.number()
    sink(cell$capture)
}

end_capture <- function() {
    while (sink.number() > cell$captured_above) sink()
    text <- paste(readLines(cell$capture, encoding = "UTF-8", warn = FALSE), collapse = "\n")
    close(cell$capture)
    cell$capture <- NULL
    text
}

succeed <- function() {
    cell$running <- FALSE
    end_plots()
    reply <- list(status = "ok", payload = cell$payload)
    if (length(cell$user_expressions))
        reply$user_expressions <- lapply(cell$user_expressions, user_expression)
    put(list(msg_type = "execute_reply", id = cell$id), reply)
}

fail <- function(failure) {
    cell$running <- FALSE
    if (!is.null(cell$capture)) {
        text <- end_capture()
        if (nzchar(text)) emit("stream", list(name = "stdout", text = paste0(text, "\n")))
    }
    end_plots()
    if (is.null(failure)) failure <- unnoticed()
    content <- list(ename = failure$ename, evalue = failure$evalue, traceback = I(failure$traceback))
    if (!cell$silent) emit("error", content)
    put(list(msg_type = "execute_reply", id = cell$id), c(list(status = "error"), content))
}

user_expression <- function(code) tryCatch({
    value <- eval(parse(text = code, encoding = "UTF-8"), globalenv())
    bundle <- rich_bundle(value)
    list(status = "ok", data = c(bundle$data, list("text/plain" = paste(utils::capture.output(print(value)), collapse = "\n"))),
        metadata = as_object(bundle$metadata))
}, error = function(condition) {
    text <- conditionMessage(condition)
    list(status = "error", ename = class(condition)[1L], evalue = text, traceback = I(paste("Error:", text)))
})

# Found on the search path, base being locked; for traceback() see input.R.
at_prompt <- function(name, value) assign(name, value, attached)

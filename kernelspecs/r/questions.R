# Completion, inspection, is_complete.

# ---- completion -----------------------------------------------------------------------------------

complete <- function(code, cursor) {
    cursor <- min(cursor, nchar(code))
    before <- substr(code, 1L, cursor)
    lines <- strsplit(paste0(before, "\n"), "\n", fixed = TRUE)[[1L]]
    line <- if (length(lines)) lines[length(lines)] else ""
    # Inside a call that began on an earlier line, its arguments are wanted too.
    earlier <- sub("#[^\"']*$", "", utils::head(lines, -1L))
    whole <- paste(c(earlier, line), collapse = " ")
    if (depth_of(paste(earlier, collapse = "\n")) > 0L) line <- whole
    utils:::.assignLinebuffer(line)
    utils:::.assignEnd(nchar(line))
    utils:::.guessTokenFromLine()
    take_letters()
    utils:::.completeToken()
    matches <- utils:::.retrieveCompletions()
    token <- utils:::.CompletionEnv[["token"]]
    matches <- as_utf8(matches[nzchar(matches)])
    list(status = "ok", matches = I(matches), cursor_start = cursor - nchar(token), cursor_end = cursor,
        metadata = list("_jupyter_types_experimental" = lapply(matches, function(match)
            list(text = match, type = kind_of(match)))))
}

# R knows where a name begins by ASCII only: what was cut off in front of the token belongs to it.
take_letters <- function() {
    known <- utils:::.CompletionEnv
    if (utils:::isInsideQuotes()) return()
    before <- substr(known$linebuffer, 1L, known$end - nchar(known$token))
    rest <- regmatches(before, regexpr("(*UCP)[\\w.:?$@]*[^\\x01-\\x7f][\\w.:?$@]*$", before, perl = TRUE))
    if (!length(rest) || !grepl("(*UCP)^[\\w.:?$@]+$", rest, perl = TRUE)) return()
    token <- paste0(rest, known$token)
    utils:::.assignToken(token)
    utils:::.assignStart(known$end - nchar(token))
}

kind_of <- function(match) {
    if (grepl("=\\s*$", match)) return("param")
    if (grepl("::$", match)) return("module")
    if (grepl("[$@]", match)) return("property")
    if (grepl("/", match, fixed = TRUE)) return("path")
    name <- sub("^.*:", "", sub("\\($", "", match))
    if (exists(name, globalenv(), mode = "function")) "function"
    else if (exists(name, globalenv())) "instance"
    else "text"
}

# How many brackets are open; strings and comments do not count.
depth_of <- function(code) {
    code <- gsub("\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|`[^`]*`|#[^\n]*", "", code, perl = TRUE)
    count <- function(pattern) sum(gregexpr(pattern, code)[[1L]] > 0L)
    count("[[({]") - count("[])}]")
}

# ---- is_complete ----------------------------------------------------------------------------------

is_complete <- function(code) {
    failure <- tryCatch({
        parse(text = as_read(code), keep.source = FALSE, encoding = "UTF-8")
        NULL
    }, error = conditionMessage)
    if (is.null(failure)) return(list(status = "complete"))
    # In whatever language the message is: a fault before the first column is one at the end.
    if (!grepl("^<text>:[0-9]+:(0:|[0-9]+:.* INCOMPLETE_STRING)", failure)) return(list(status = "invalid"))
    list(status = "incomplete", indent = strrep("  ", max(0L, depth_of(code))))
}

# ---- inspection -----------------------------------------------------------------------------------

NAME <- "(?:[[:alpha:].][[:alnum:]._]*|`[^`]+`)"

# The name at the cursor, or else that of the call the cursor is in.
name_at <- function(code, cursor) {
    pattern <- paste0(NAME, "(?:(?::::?|[$@])", NAME, ")*")
    at <- gregexpr(pattern, code, perl = TRUE)[[1L]]
    if (at[1L] < 0L) return()
    ends <- at + attr(at, "match.length") - 1L
    hit <- which(at <= cursor + 1L & ends >= cursor)
    if (length(hit)) return(substring(code, at[hit[1L]], ends[hit[1L]]))
    calls <- which(ends < cursor & substring(code, ends + 1L, ends + 1L) == "(")
    open <- vapply(calls, function(i) depth_of(substr(code, ends[i] + 1L, cursor)) > 0L, NA)
    if (any(open)) {
        i <- max(calls[open])
        substring(code, at[i], ends[i])
    }
}

inspect <- function(code, cursor, detail = 0L) {
    nothing <- list(status = "ok", found = FALSE, data = empty_object, metadata = empty_object)
    name <- name_at(code, min(cursor, nchar(code)))
    if (is.null(name)) return(nothing)
    text <- object_text(name, isTRUE(detail > 0))
    page <- help_for(name)
    if (is.null(text) && is.null(page)) return(nothing)
    data <- list("text/plain" = paste(c(text, page[["text/plain"]]), collapse = "\n\n"))
    if (!is.null(page)) data[["text/html"]] <- paste0(if (!is.null(text)) paste0("<pre>", html_escape(text), "</pre>\n"), page[["text/html"]])
    list(status = "ok", found = TRUE, data = data, metadata = empty_object)
}

object_text <- function(name, source) {
    value <- tryCatch(list(eval(parse(text = name, keep.source = FALSE), globalenv())), error = function(condition) NULL)
    if (is.null(value)) return()
    value <- value[[1L]]
    if (is.function(value)) {
        if (source) return(paste(utils::capture.output(print(value)), collapse = "\n"))
        head <- sub("^function \\((.*)$", paste0(gsub("\\", "\\\\", name, fixed = TRUE), "(\\1"), utils::head(deparse(args(value)), -1L))
        return(paste(trimws(head, "right"), collapse = "\n"))
    }
    lines <- utils::capture.output(utils::str(value, give.attr = FALSE, list.len = 30L))
    paste(c(sprintf("%s: %s", name, paste(class(value), collapse = ", ")), utils::head(lines, 40L)), collapse = "\n")
}

help_for <- function(name) {
    parts <- strsplit(gsub("`", "", name, fixed = TRUE), ":::?")[[1L]]
    topic <- parts[length(parts)]
    package <- if (length(parts) > 1L) parts[1L]
    # A variable of the user's is not what a page of that name is about.
    if (is.null(package) && exists(topic, globalenv(), inherits = FALSE)) return()
    found <- do.call(utils::help, list(topic = topic, package = package, help_type = "text", try.all.packages = FALSE))
    if (length(found)) help_data(structure(found[1L], class = class(found)))
}

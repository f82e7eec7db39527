# JSON, read and written with base R alone. Text is bytes of UTF-8 throughout, whatever the locale is.

json_null <- structure(list(), class = "parley_null")
json_raw <- function(text) structure(text, class = "parley_json")   # JSON text, taken as it is

# ---- reading --------------------------------------------------------------------------------------

TOKENS <- '"(?:[^"\\\\]++|\\\\.)*+"|[][{}:,]|[-+0-9.eE]++|true|false|null'

# Objects become named lists, arrays lists. Only well-formed text comes from the server.
from_json <- function(text) {
    tokens <- regmatches(text, gregexpr(TOKENS, text, perl = TRUE, useBytes = TRUE))[[1L]]
    Encoding(tokens) <- "UTF-8"
    at <- 0L
    value <- function() {
        at <<- at + 1L
        token <- tokens[[at]]
        switch(substr(token, 1L, 1L),
            "{" = {
                members <- list()
                while (tokens[[at + 1L]] != "}") {
                    name <- from_json_string(tokens[[at + 1L]])
                    at <<- at + 2L   # the name and the colon
                    members[name] <- list(value())
                    if (tokens[[at + 1L]] == ",") at <<- at + 1L
                }
                at <<- at + 1L
                members
            },
            "[" = {
                items <- list()
                while (tokens[[at + 1L]] != "]") {
                    items[length(items) + 1L] <- list(value())
                    if (tokens[[at + 1L]] == ",") at <<- at + 1L
                }
                at <<- at + 1L
                items
            },
            "\"" = from_json_string(token),
            "t" = TRUE, "f" = FALSE, "n" = NULL,
            as.numeric(token))
    }
    value()
}

ESCAPES <- c("\\b" = "\b", "\\f" = "\f", "\\n" = "\n", "\\r" = "\r", "\\t" = "\t", "\\/" = "/",
    "\\\"" = "\"", "\\\\" = "\\")

from_json_string <- function(token) {
    text <- substr(token, 2L, nchar(token) - 1L)
    if (!grepl("\\", text, fixed = TRUE)) return(text)
    # One pass over what is escaped; neighbouring \uXXXX are one match, so that surrogates stay together.
    where <- gregexpr("(?:\\\\u[0-9a-fA-F]{4})++|\\\\.", text, perl = TRUE)
    found <- regmatches(text, where)[[1L]]
    kinds <- unique(found)
    plain <- ESCAPES[kinds]
    coded <- is.na(plain)
    plain[coded] <- vapply(kinds[coded], from_utf16, "")
    between <- regmatches(text, where, invert = TRUE)[[1L]]
    enc2utf8(paste0(between, c(plain[match(found, kinds)], ""), collapse = ""))
}

from_utf16 <- function(text) {
    units <- strtoi(strsplit(substring(text, 3L), "\\u", fixed = TRUE)[[1L]], 16L)
    high <- units >= 0xD800L & units < 0xDC00L
    low <- units >= 0xDC00L & units < 0xE000L
    pair <- high & c(low[-1L], FALSE)
    code <- units
    code[pair] <- 0x10000L + (units[pair] - 0xD800L) * 0x400L + units[c(FALSE, pair[-length(pair)])] - 0xDC00L
    lone <- (high & !pair) | (low & !c(FALSE, pair[-length(pair)]))
    code[lone] <- 0xFFFDL
    code <- code[!(low & c(FALSE, pair[-length(pair)]))]
    intToUtf8(code[code != 0L])
}

# ---- writing --------------------------------------------------------------------------------------

# Whole UTF-8, whatever a string is made of.
as_utf8 <- function(text) {
    text <- as.character(text)
    bad <- Encoding(text) != "latin1" & !validUTF8(text)
    if (any(bad)) text[bad] <- iconv(text[bad], "UTF-8", "UTF-8", sub = "\uFFFD")
    enc2utf8(text)
}

to_json_string <- function(text) {
    text <- as_utf8(text)
    text <- gsub("\\", "\\\\", text, fixed = TRUE, useBytes = TRUE)
    text <- gsub("\"", "\\\"", text, fixed = TRUE, useBytes = TRUE)
    text <- gsub("\n", "\\n", text, fixed = TRUE, useBytes = TRUE)
    if (any(grepl("[\x01-\x1f\x7f]", text, perl = TRUE, useBytes = TRUE)))
        for (code in c(1:31, 127L))
            text <- gsub(rawToChar(as.raw(code)), sprintf("\\u%04x", code), text, fixed = TRUE, useBytes = TRUE)
    text <- paste0("\"", text, "\"")
    Encoding(text) <- "UTF-8"
    text[is.na(text)] <- "null"
    text
}

json_numbers <- function(x) {
    text <- sprintf("%.15g", x)
    inexact <- is.finite(x) & as.numeric(text) != x
    if (any(inexact)) text[inexact] <- sprintf("%.17g", x[inexact])
    text[!is.finite(x)] <- "null"
    text
}

# Named lists are objects, others arrays; a vector of length 1 is a scalar unless it is in I().
to_json <- function(x) {
    if (inherits(x, "parley_json")) return(unclass(x))
    if (is.null(x) || inherits(x, "parley_null")) return("null")
    if (is.environment(x)) x <- as.list(x)
    if (is.factor(x)) x <- as.character(x)
    if (!length(x)) return(if (is.null(names(x))) "[]" else "{}")
    many <- is.list(x) || inherits(x, "AsIs") || length(x) != 1L || !is.null(names(x))
    items <- if (is.list(x)) vapply(unclass(x), to_json, "", USE.NAMES = FALSE)
        else if (is.logical(x)) c("false", "true", "null")[match(x, c(FALSE, TRUE, NA))]
        else if (is.numeric(x)) json_numbers(as.numeric(x))
        else to_json_string(if (is.atomic(x)) x else paste(deparse(x), collapse = "\n"))
    if (!many) return(items)
    if (is.null(names(x))) paste0("[", paste(items, collapse = ","), "]")
    else paste0("{", paste(to_json_string(names(x)), items, sep = ":", collapse = ","), "}")
}

empty_object <- json_raw("{}")

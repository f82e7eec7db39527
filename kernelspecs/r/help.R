# Help and everything else that R would show in a pager or a browser.

add_page <- function(data) {
    if (is_forked() || !cell$running) return(cat(data[["text/plain"]], sep = "\n"))
    cell$payload <- c(cell$payload, list(list(source = "page", data = data, start = 0L)))
    invisible()
}

# options(pager): what file.show calls.
pager <- function(files, header = "", title = "", delete.file = FALSE, ...) {
    text <- unlist(lapply(files, readLines, warn = FALSE))
    if (delete.file) unlink(files)
    text <- gsub("_\b", "", as_utf8(text), fixed = TRUE)   # underlined by overstriking
    add_page(list("text/plain" = paste(c(header[nzchar(header)], text), collapse = "\n")))
}

# TRUE when the value of an expression is a page of help and has been shown.
page_of <- function(value) {
    if (!inherits(value, "help_files_with_topic") || !length(value)) return(FALSE)
    data <- tryCatch(help_data(value), error = function(condition) NULL)
    if (is.null(data)) return(FALSE)
    add_page(data)
    TRUE
}

help_data <- function(found) {
    pages <- lapply(as.character(found), function(file) {
        page <- utils:::.getHelpFile(file)
        html <- rd_text(tools::Rd2HTML, page, package = basename(dirname(dirname(file))), outputEncoding = "UTF-8")
        list(html = sub("^.*<body>", "", sub("</body>.*$", "", html)),
            text = rd_text(tools::Rd2txt, page, outputEncoding = "UTF-8", options = list(underline_titles = FALSE)))
    })
    part <- function(name) paste(vapply(pages, `[[`, "", name), collapse = "\n")
    list("text/plain" = part("text"), "text/html" = part("html"))
}

rd_text <- function(convert, page, ...) {
    file <- tempfile()
    on.exit(unlink(file))
    convert(page, out = file, ...)
    text <- paste(readLines(file, encoding = "UTF-8", warn = FALSE), collapse = "\n")
    gsub("_\b", "", text, fixed = TRUE)
}

# options(browser)
browse <- function(url) {
    url <- as_utf8(url)
    quoted <- gsub("\"", "&quot;", html_escape(url), fixed = TRUE)
    publish(list("text/html" = sprintf("<a href=\"%s\" target=\"_blank\" rel=\"noopener\">%s</a>", quoted, html_escape(url)),
        "text/plain" = url))
}

no_editor <- function(...) stop("there is no editor in a notebook; change the value in a cell", call. = FALSE)

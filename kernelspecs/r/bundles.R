# What a value looks like besides its text.

as_object <- function(x) if (length(x)) x else empty_object

html_of <- function(value) {
    own <- own_method("repr_html", value)
    if (!is.null(own)) return(own)
    if (inherits(value, c("html", "knitr_kable")) && is.character(value)) {
        if (inherits(value, "html") || identical(attr(value, "format"), "html")) paste(value, collapse = "\n")
    } else if (inherits(value, c("htmlwidget", "shiny.tag", "shiny.tag.list")) && requireNamespace("repr", quietly = TRUE)) {
        repr::repr_html(value)
    } else if (is.data.frame(value) && ncol(value)) frame_html(value)
    else if (is.matrix(value) && is.atomic(value) && ncol(value) && (!is.object(value) || inherits(value, "table"))) frame_html(unclass(value))
    else if (is.factor(value) && length(value)) factor_html(value)
    else if (is.list(value) && !is.object(value) && length(value)) list_html(value)
}

# Methods for the generic functions of the repr package that a user or a package has defined.
own_method <- function(generic, value) {
    if (!is.object(value)) return()
    for (class in class(value)) {
        method <- get0(paste0(generic, ".", class), globalenv(), mode = "function")
        if (is.null(method) && isNamespaceLoaded("repr"))
            method <- utils::getS3method(generic, class, optional = TRUE, envir = asNamespace("repr"))
        if (!is.null(method) && !identical(environment(method), tryCatch(asNamespace("repr"), error = function(e) NULL)))
            return(method(value))
    }
}

GENERICS <- c("text/markdown" = "repr_markdown", "text/latex" = "repr_latex", "image/svg+xml" = "repr_svg",
    "image/png" = "repr_png", "application/json" = "repr_json", "application/javascript" = "repr_javascript")

rich_bundle <- function(value) {
    bundle <- list(data = list(), metadata = list())
    if (!isTRUE(getOption("jupyter.rich_display", TRUE))) return(bundle)
    tryCatch({
        html <- html_of(value)
        if (!is.null(html)) bundle$data[["text/html"]] <- html
        for (mimetype in names(GENERICS)) {
            content <- own_method(GENERICS[[mimetype]], value)
            if (!is.null(content)) bundle$data[[mimetype]] <- encoded(mimetype, content)
        }
    }, error = function(condition) message("The value cannot be shown as more than text: ", conditionMessage(condition)))
    bundle
}

# Content as the specification has it: text, base64, or JSON.
encoded <- function(mimetype, content) {
    if (is.raw(content)) {
        if (grepl("^(text/|image/svg)", mimetype)) rawToChar(content)
        else json_raw(paste0("\"", base64(content), "\""))
    } else if (grepl("[/+]json$", mimetype)) {
        if (inherits(content, "json") || is.character(content) && length(content) == 1L) checked_json(content)
        else json_raw(to_json(content))
    } else paste(as_utf8(content), collapse = "\n")
}

# JSON text is sent as it is, so it has to be JSON, on one line.
checked_json <- function(text) {
    text <- as_utf8(paste(text, collapse = " "))
    grammar <- paste0("(?(DEFINE)(?<s>\"(?:[^\"\\\\\\x00-\\x1f]++|\\\\(?:[\"\\\\/bfnrt]|u[0-9a-fA-F]{4}))*+\")",
        "(?<v>\\s*+(?:\\{\\s*+(?:(?&s)\\s*+:(?&v)(?:,\\s*+(?&s)\\s*+:(?&v))*+)?\\}|\\[(?:(?&v)(?:,(?&v))*+)?\\s*+\\]",
        "|(?&s)|-?(?:0|[1-9][0-9]*+)(?:\\.[0-9]++)?(?:[eE][-+]?[0-9]++)?|true|false|null)\\s*+))\\A(?&v)\\z")
    if (!grepl(grammar, text, perl = TRUE)) stop("this is not valid JSON: ", substr(text, 1L, 60L), call. = FALSE)
    json_raw(gsub("[\r\n]", " ", text))
}

# HTML tables of data frames, matrices, lists and factors. Large ones show their head and tail.

html_escape <- function(text) {
    text <- gsub("&", "&amp;", as_utf8(text), fixed = TRUE)
    gsub(">", "&gt;", gsub("<", "&lt;", text, fixed = TRUE), fixed = TRUE)
}

# The positions that are shown; NA is where something is left out.
shown <- function(count, limit) {
    if (count <= limit) return(seq_len(count))
    head <- ceiling(limit / 2)
    c(seq_len(head), NA, seq.int(count - (limit - head) + 1L, length.out = limit - head))
}

cells_of <- function(column) {
    text <- if (is.list(column)) vapply(column, function(item) paste(format(item), collapse = ", "), "")
        else if (is.character(column)) column
        else if (is.factor(column)) as.character(column)
        else if (is.numeric(column) && !is.object(column)) vapply(column, format, "", digits = getOption("digits"))
        else format(column)
    text[is.na(column) & !is.list(column)] <- "NA"
    html_escape(text)
}

TYPES <- c(logical = "lgl", integer = "int", double = "dbl", complex = "cpl", character = "chr", list = "list")

type_of <- function(column) {
    class <- class(column)[1L]
    if (is.factor(column)) if (is.ordered(column)) "ord" else "fct"
    else if (class == "Date") "date"
    else if (class == "POSIXct") "dttm"
    else if (is.object(column)) class
    else if (typeof(column) %in% names(TYPES)) TYPES[[typeof(column)]] else typeof(column)
}

table_html <- function(caption, heads, types, rows, row_names) {
    th <- function(text) paste0("<th scope=col>", text, "</th>", collapse = "")
    corner <- if (!is.null(row_names)) "<th></th>" else ""
    body <- vapply(seq_len(NROW(rows)), function(i) paste0("<tr>",
        if (!is.null(row_names)) paste0("<th scope=row>", row_names[i], "</th>"),
        paste0("<td>", rows[i, ], "</td>", collapse = ""), "</tr>\n"), "")
    paste0("<table class=\"dataframe\">\n<caption>", caption, "</caption>\n<thead>\n",
        if (!is.null(heads)) paste0("<tr>", corner, th(heads), "</tr>\n"),
        if (!is.null(types)) paste0("<tr>", corner, th(types), "</tr>\n"),
        "</thead>\n<tbody>\n", paste(body, collapse = ""), "</tbody>\n</table>\n")
}

frame_html <- function(value) {
    n <- dim(value)
    rows <- shown(n[1L], getOption("repr.matrix.max.rows", 60L))
    columns <- shown(n[2L], getOption("repr.matrix.max.cols", 20L))
    frame <- is.data.frame(value)
    left_out <- rep("\u22ee", length(rows))
    left_out[is.na(rows)] <- "\u22f1"
    parts <- lapply(columns, function(j) {
        if (is.na(j)) return(left_out)
        text <- rep("\u22ee", length(rows))
        text[!is.na(rows)] <- cells_of(if (frame) {
            column <- value[[j]]
            if (length(dim(column)) == 2L) apply(format(column[stats::na.omit(rows), , drop = FALSE]), 1L, paste, collapse = ", ")
            else column[stats::na.omit(rows)]
        } else unname(value[stats::na.omit(rows), j]))
        text
    })
    name <- function(names) ifelse(is.na(columns), "\u22ef", html_escape(names[columns]))
    types <- if (frame) ifelse(is.na(columns), "\u22ef", paste0("&lt;", vapply(columns, function(j)
        if (is.na(j)) "" else type_of(value[[j]]), ""), "&gt;"))
    has_names <- if (frame) is.character(attr(value, "row.names")) else !is.null(rownames(value))
    row_names <- if (has_names) ifelse(is.na(rows), "\u22ee", html_escape(rownames(value)[rows]))
    caption <- sprintf("A %s: %d \u00d7 %d%s", html_escape(class(value)[1L]), n[1L], n[2L],
        if (frame) "" else paste(" of type", TYPES[typeof(value)]))
    table_html(caption, if (!is.null(colnames(value))) name(colnames(value)), types,
        matrix(as.character(unlist(parts)), length(rows)), row_names)
}

# A named list of short things, as a description list; what is long is shown as R prints it.
list_html <- function(value) {
    which <- shown(length(value), getOption("repr.vector.max.items", 400L))
    items <- vapply(which, function(i) {
        if (is.na(i)) return("\u22ee")
        item <- value[[i]]
        rich <- tryCatch(html_of(item), error = function(condition) NULL)
        if (!is.null(rich)) rich
        else if (is.atomic(item) && is.null(attributes(item)) && length(item) == 1L) cells_of(item)
        else paste0("<pre>", html_escape(paste(utils::capture.output(print(item)), collapse = "\n")), "</pre>")
    }, "")
    if (is.null(names(value))) return(paste0("<ol>\n", paste0("\t<li>", items, "</li>\n", collapse = ""), "</ol>\n"))
    names <- ifelse(is.na(which), "\u22ee", html_escape(names(value)[which]))
    paste0("<dl>\n", paste0("\t<dt>", names, "</dt>\n\t<dd>", items, "</dd>\n", collapse = ""), "</dl>\n")
}

factor_html <- function(value) {
    which <- shown(length(value), getOption("repr.vector.max.items", 400L))
    items <- ifelse(is.na(which), "\u22ee", cells_of(value)[which])
    paste0(paste0("<span>", items, "</span>", collapse = " \u00b7 "), "\n<details><summary>Levels: ", nlevels(value),
        "</summary>", paste(html_escape(levels(value)), collapse = if (is.ordered(value)) " &lt; " else " \u00b7 "), "</details>\n")
}

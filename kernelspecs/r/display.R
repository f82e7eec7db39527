# The functions of the IRdisplay package, for the user's cells.

publish <- function(data, metadata = NULL, display_id = NULL, update = FALSE) {
    if (is_forked()) return(writeLines(as.character(data[["text/plain"]])))
    if (!is.list(data)) data <- as.list(data)
    data <- Map(encoded, names(data), data)
    if (cell$silent) return(invisible())
    suspendInterrupts(emit(if (update) "update_display_data" else "display_data", list(
        data = as_object(data), metadata = as_object(metadata),
        transient = if (is.null(display_id)) empty_object else list(display_id = as.character(display_id)))))
    invisible(display_id)
}

bundle_of <- function(value) {
    bundle <- rich_bundle(value)
    list(data = c(bundle$data, list("text/plain" = paste(utils::capture.output(
        if (isS4(value)) methods::show(value) else print(value)), collapse = "\n"))), metadata = bundle$metadata)
}

display <- function(obj, ..., display_id = NULL) {
    if (isTRUE(display_id)) display_id <- new_id()
    bundle <- bundle_of(obj)
    if (length(bundle$data) > 1L || nzchar(bundle$data[["text/plain"]])) publish(bundle$data, bundle$metadata, display_id)
    invisible(display_id)
}

update_display <- function(obj, display_id) {
    bundle <- bundle_of(obj)
    publish(bundle$data, bundle$metadata, display_id, update = TRUE)
}

# Not from the user's random numbers, whose sequence stays theirs.
new_id <- function() {
    cell$ids <- sum(cell$ids, 1L)
    sprintf("parley-%d-%.0f-%d", pid, 1e6 * as.numeric(Sys.time()), cell$ids)
}

clear_output <- function(wait = TRUE) {
    if (!is_forked()) suspendInterrupts(emit("clear_output", list(wait = isTRUE(wait))))
    invisible()
}

display_raw <- function(mimetype, is_binary, data, file, metadata = NULL) {
    if (is.null(data)) {
        if (is.null(file)) stop("give either the data or a file", call. = FALSE)
        data <- readBin(file, "raw", if (file.exists(file)) file.size(file) else 0)
    }
    if (!is_binary && is.raw(data)) data <- rawToChar(data)
    if (!is.null(metadata)) metadata <- stats::setNames(list(metadata), mimetype)
    publish(stats::setNames(list(data), mimetype), metadata)
}

of_text <- function(mimetype) eval(bquote(function(data = NULL, file = NULL) display_raw(.(mimetype), FALSE, data, file)))
of_image <- function(mimetype) eval(bquote(function(data = NULL, file = NULL, width = NULL, height = NULL)
    display_raw(.(mimetype), TRUE, data, file, as_metadata(width, height))))
as_metadata <- function(width, height) {
    size <- c(if (!is.null(width)) list(width = width), if (!is.null(height)) list(height = height))
    if (length(size)) size
}

offer_display <- function(place) {
    place$display <- display
    place$update_display <- update_display
    place$clear_output <- clear_output
    place$publish_mimebundle <- publish
    place$display_html <- of_text("text/html")
    place$display_markdown <- of_text("text/markdown")
    place$display_latex <- of_text("text/latex")
    place$display_javascript <- of_text("application/javascript")
    place$display_json <- of_text("application/json")
    place$display_svg <- of_text("image/svg+xml")
    place$display_png <- of_image("image/png")
    place$display_jpeg <- of_image("image/jpeg")
    place$display_pdf <- of_image("application/pdf")
}

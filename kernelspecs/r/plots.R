# Plots. The cell draws on a device of ours that records; what it has recorded is drawn again as PNG
# or SVG when a new page begins, when the device is closed, and when the cell ends.

plots <- new.env()
plots$device <- 0L

plot_option <- function(name, default) getOption(paste0("repr.plot.", name), default)

plot_size <- function() list(
    width = plot_option("width", 7), height = plot_option("height", 7), res = plot_option("res", 120),
    pointsize = plot_option("pointsize", 12), bg = plot_option("bg", "white"),
    family = plot_option("family", "sans"), antialias = plot_option("antialias", "gray"))

open_png <- function(file, size) grDevices::png(file, size$width, size$height, "in", size$pointsize, size$bg,
    size$res, family = size$family, type = "cairo", antialias = size$antialias)

# What R calls when something is drawn and no device is open: options(device).
open_device <- function(...) {
    plots$folder <- tempfile("parley-")
    dir.create(plots$folder)
    open_png(file.path(plots$folder, "page%03d.png"), plot_size())
    grDevices::dev.control("enable")
    plots$device <- grDevices::dev.cur()
}

has_device <- function() plots$device > 1L && identical(names(plots$device), names(grDevices::dev.list())[
    match(plots$device, grDevices::dev.list())])

recorded <- function() {
    current <- grDevices::dev.cur()
    on.exit(grDevices::dev.set(current))
    grDevices::dev.set(plots$device)
    plot <- grDevices::recordPlot()
    if (length(plot[[1L]])) plot
}

plot_mimetypes <- function() {
    chosen <- getOption("parley.plot.mimetypes", getOption("jupyter.plot_mimetypes", "image/png"))
    known <- names(RENDERERS)
    unknown <- setdiff(chosen, c(known, "text/plain"))
    if (length(unknown)) warning("plots cannot be shown as ", paste(unknown, collapse = ", "), "; options(parley.plot.mimetypes) may be ",
        paste(known, collapse = ", "), call. = FALSE)
    intersect(known, chosen)
}

RENDERERS <- list(
    "image/png" = open_png,
    "image/svg+xml" = function(file, size) grDevices::svg(file, size$width, size$height, size$pointsize,
        family = size$family, bg = size$bg, antialias = size$antialias),
    "image/jpeg" = function(file, size) grDevices::jpeg(file, size$width, size$height, "in", size$pointsize,
        plot_option("quality", 90), size$bg, size$res, family = size$family, type = "cairo", antialias = size$antialias),
    "application/pdf" = function(file, size) grDevices::cairo_pdf(file, size$width, size$height, size$pointsize,
        family = size$family, bg = size$bg, antialias = size$antialias))

draw <- function(plot, mimetype, size) {
    file <- tempfile("parley-")
    on.exit(unlink(file))
    current <- grDevices::dev.cur()
    RENDERERS[[mimetype]](file, size)
    drawn <- grDevices::dev.cur()
    tryCatch(suppressWarnings(grDevices::replayPlot(plot)), finally = {
        plots$closing <- TRUE
        grDevices::dev.off(drawn)
        plots$closing <- FALSE
        if (current > 1L) grDevices::dev.set(current)
    })
    # Nothing is written when there was no page, only settings.
    if (!file.exists(file)) NULL
    else if (mimetype == "image/svg+xml") paste(readLines(file, encoding = "UTF-8", warn = FALSE), collapse = "\n")
    else json_raw(paste0("\"", base64(file), "\""))
}

show_plot <- function() {
    if (is_forked() || !has_device()) return()
    plot <- recorded()
    if (is.null(plot) || cell$silent) return()
    size <- plot_size()
    data <- list()
    metadata <- list()
    for (mimetype in plot_mimetypes()) {
        drawn <- draw(plot, mimetype, size)
        if (is.null(drawn)) return()
        data[[mimetype]] <- drawn
        metadata[[mimetype]] <- if (mimetype == "image/svg+xml") list(isolated = TRUE)
            else if (mimetype != "application/pdf") {
                scale <- size$res / getOption("jupyter.plot_scale", 2)
                list(width = size$width * scale, height = size$height * scale)
            }
    }
    data[["text/plain"]] <- "plot without title"
    emit("display_data", list(data = data, metadata = as_object(metadata), transient = empty_object))
}

close_device <- function() {
    if (has_device()) {
        plots$closing <- TRUE
        grDevices::dev.off(plots$device)
        plots$closing <- FALSE
    }
    plots$device <- 0L
    if (!is.null(plots$folder)) unlink(plots$folder, recursive = TRUE)
    plots$folder <- NULL
}

# Shows what is there and begins with a new page: for what follows to come after it.
flush_plot <- function() {
    tryCatch(suspendInterrupts(show_plot()),
        error = function(condition) message("The plot could not be shown: ", conditionMessage(condition)))
    close_device()
}

end_plots <- function() if (plots$device > 1L) flush_plot()

watch_pages <- function() {
    page <- function(...) if (has_device() && grDevices::dev.cur() == plots$device && !isTRUE(plots$closing)) suspendInterrupts(show_plot())
    setHook("before.plot.new", function(...) if (has_device() && graphics::par("page")) page())
    setHook("before.grid.newpage", page)
    dev_off <- grDevices::dev.off
    replace_in("grDevices", "dev.off", function(which = grDevices::dev.cur()) {
        if (!isTRUE(plots$closing) && has_device() && which == plots$device) suspendInterrupts(show_plot())
        dev_off(which)
    })
}

BASE64 <- c(LETTERS, letters, 0:9, "+", "/")

# Six bits a character, three bytes at a time.
base64 <- function(file) {
    bytes <- if (is.raw(file)) file else readBin(file, "raw", file.size(file))
    short <- -length(bytes) %% 3L
    n <- matrix(as.integer(c(bytes, raw(short))), 3L)
    code <- rbind(n[1L, ] %/% 4L, n[1L, ] %% 4L * 16L + n[2L, ] %/% 16L, n[2L, ] %% 16L * 4L + n[3L, ] %/% 64L, n[3L, ] %% 64L)
    text <- BASE64[code + 1L]
    if (short) text[length(text) + 1L - seq_len(short)] <- "="
    paste(text, collapse = "")
}

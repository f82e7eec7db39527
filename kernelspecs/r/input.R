# Functions of R that read from a terminal, made to ask the user of the notebook, and others that
# would get hold of the bridge.

# Replaces a function in a package, for its users as well as for the package itself.
replace_in <- function(package, name, value) {
    for (place in list(asNamespace(package), as.environment(paste0("package:", package)))) {
        if (!exists(name, place, inherits = FALSE)) next
        locked <- bindingIsLocked(name, place)
        if (locked) unlockBinding(name, place)
        assign(name, value, place)
        if (locked) lockBinding(name, place)
    }
}

is_console <- function(con) {
    if (is.character(con)) return(identical(con, "stdin"))
    inherits(con, "connection") && (as.integer(con) == 0L || identical(summary(con)$description, "stdin"))
}

# Lines from the user: as many as asked for, or until an empty one.
ask_lines <- function(n = -1L) {
    lines <- character()
    while (n < 0L || length(lines) < n) {
        line <- ask()
        if (is.null(line) || (n < 0L && !nzchar(line))) break
        lines <- c(lines, strsplit(paste0(line, "\n"), "\n", fixed = TRUE)[[1L]])
    }
    lines
}

replace_input <- function() {
    replace_in("base", "readline", function(prompt = "") {
        answer <- ask(prompt)
        if (is.null(answer)) "" else answer
    })
    read_lines <- base::readLines
    replace_in("base", "readLines", function(con = stdin(), n = -1L, ok = TRUE, warn = TRUE, encoding = "unknown", skipNul = FALSE)
        if (is_console(con)) ask_lines(n) else read_lines(con, n, ok, warn, encoding, skipNul))
    scan_file <- base::scan
    replace_in("base", "scan", function(file = "", ...) {
        rest <- list(...)
        if (!is.null(rest$text) || !(identical(file, "") || is_console(file)))
            return(if (missing(file)) scan_file(...) else scan_file(file, ...))
        count <- max(-1, rest$n, rest$nmax)
        quiet <- rest[setdiff(names(rest), "quiet")]
        lines <- character()
        repeat {
            line <- ask(sprintf("%d: ", length(lines) + 1L))
            if (is.null(line) || !nzchar(line)) break
            lines <- c(lines, line)
            if (count > 0 && length(do.call(scan_file, c(list(text = lines, quiet = TRUE), quiet))) >= count) break
        }
        scan_file(text = lines, ...)
    })
    replace_in("utils", "menu", function(choices, graphics = FALSE, title = NULL) {
        if (length(title) && nzchar(title[1L])) cat(title[1L], "\n", sep = "")
        cat(paste0(format(seq_along(choices)), ": ", choices, "\n"), sep = "")
        repeat {
            answer <- ask("Selection: ")
            if (is.null(answer) || identical(answer, "0")) return(0L)
            chosen <- suppressWarnings(as.integer(answer))
            if (is.na(chosen)) chosen <- match(answer, choices)
            if (!is.na(chosen) && chosen >= 1L && chosen <= length(choices)) return(chosen)
            cat("Enter an item from the menu, or 0 to exit\n")
        }
    })
    replace_in("base", "browser", browse_frame)
    terminal_only <- function(name) function(...)
        stop(name, "() needs a terminal to step through the code; put browser() where you want to look", call. = FALSE)
    replace_in("base", "debug", terminal_only("debug"))
    replace_in("base", "debugonce", terminal_only("debugonce"))
    replace_in("utils", "View", function(x, title) display(if (is.data.frame(x) || is.matrix(x)) x else as.data.frame(x)))
    replace_in("base", "closeAllConnections", function() {
        for (i in seq_len(sink.number())) sink()
        if (sink.number("message") != 2L) sink(type = "message")
        for (number in setdiff(as.integer(rownames(showConnections(all = TRUE))), c(0:2, vapply(names(OPEN), function(name) as.integer(wire[[name]]), 0L))))
            close(getConnection(number))
        invisible()
    })
    traced_back <- base::.traceback
    replace_in("base", ".traceback", function(x = NULL, ...) traced_back(if (is.null(x)) attached$.Traceback else x, ...))
    options(askpass = function(prompt = "Please enter your password: ") ask(prompt, password = TRUE))
    setHook(packageEvent("getPass", "onLoad"), function(...) replace_getpass())
    if (isNamespaceLoaded("getPass")) replace_getpass()
}

replace_getpass <- function() {
    place <- asNamespace("getPass")
    unlockBinding("getPass", place)
    assign("getPass", function(msg = "PASSWORD: ", noblank = FALSE, forcemask = FALSE) ask(msg, password = TRUE), place)
}

# browser(): looks into the frame it is called from, until `c`, an empty line, or `Q`.
browse_frame <- function(text = "", condition = NULL, expr = TRUE, skipCalls = 0L) {
    if (!isTRUE(as.logical(expr))) return(invisible())
    frame <- parent.frame()
    call <- sys.call(-1L)
    cat("Called from: ", if (is.null(call)) "top level" else deparse(call)[1L], "\n", sep = "")
    repeat {
        code <- ask("Browse> ")
        command <- trimws(if (is.null(code)) "Q" else code)
        if (command %in% c("", "c", "cont", "n", "s", "f")) return(invisible())
        if (command == "Q") stop("left by Q in browser()", call. = FALSE)
        if (command == "where") {
            writeLines(vapply(utils::head(sys.calls(), -1L), function(call) deparse(call)[1L], ""))
            next
        }
        tryCatch({
            for (expression in as.list(parse(text = code, encoding = "UTF-8"))) {
                result <- withVisible(eval(expression, frame))
                if (result$visible) print(result$value)
            }
        }, error = function(condition) cat("Error: ", conditionMessage(condition), "\n", sep = "", file = stderr()))
    }
}

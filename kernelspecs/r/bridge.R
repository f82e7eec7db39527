# The R bridge: docs/bridge-protocol.md, spoken by the very R that runs the cells.
#
# This folder's files are read into one environment whose parent is base, so that nothing in the
# user's workspace gets in the way. `display` and its kin are attached as "tools:parley".

read_files <- function(names) for (name in names)
    eval(parse(file.path(folder, paste0(name, ".R")), keep.source = FALSE, encoding = "UTF-8"), environment(read_files))
folder <- Sys.getenv("PARLEY_R_FOLDER")
Sys.unsetenv("PARLEY_R_FOLDER")

if (!l10n_info()[["UTF-8"]]) Sys.setlocale("LC_CTYPE", "C.UTF-8")
read_files(c("json", "frames"))
open_wire()
put(list(msg_type = "kernel_info_reply", id = 0L), list(
    bridge_protocol = 1L,
    language_info = list(name = "R", version = paste(R.version$major, R.version$minor, sep = "."),
        mimetype = "text/x-r-source", file_extension = ".r", codemirror_mode = "r", pygments_lexer = "r"),
    banner = R.version.string,
    capabilities = I(c("complete", "inspect", "is_complete"))))

read_files(c("plots", "tables", "help", "bundles", "display", "input", "system", "questions", "conditions", "cells"))
assign(".parley", prompt, .userHooksEnv)
attached <- attach(NULL, name = "tools:parley", warn.conflicts = FALSE)
next_line()
options(keep.source = TRUE, editor = no_editor, pager = pager, browser = browse, device = open_device,
    jupyter.in_kernel = TRUE, jupyter.rich_display = TRUE,
    jupyter.base_display_func = publish, jupyter.clear_output_func = clear_output)
utils::rc.settings(ipck = TRUE)
offer_display(attached)
replace_input()
replace_system()
watch_pages()

package parley.bridge;

import jdk.jshell.Diag;

/** A cell's number and text, and how places in its snippets are told to the user. */
record Cell(Object number, String code) {
    /** A snippet of the cell: its text starts there. */
    record Origin(Cell cell, int start) {
        /** The line in the cell of a line in the snippet, both from 1. */
        int line(int line) {
            return cell.lineOf(start) + line - 1;
        }
    }

    int lineOf(int position) {
        return 1 + (int) code.substring(0, Math.min(position, code.length())).chars().filter(c -> c == '\n').count();
    }

    String line(int number) {
        return code.lines().skip(number - 1).findFirst().orElse("");
    }

    /** A fault that the compiler found, with the line and a mark below it. */
    String describe(Diag fault, int start) {
        int from = start + (int) Math.max(0, Math.max(fault.getPosition(), fault.getStartPosition()));
        int begin = start + (int) Math.max(0, fault.getStartPosition());
        int end = start + (int) Math.max(fault.getEndPosition(), fault.getPosition());
        from = Math.min(from, code.length());
        int line = lineOf(from);
        int lineStart = code.lastIndexOf('\n', from - 1) + 1;
        String text = line(line);
        int left = Math.max(Math.min(begin, from), lineStart) - lineStart;
        int right = Math.min(Math.max(end - lineStart, left + 1), Math.max(text.length(), left + 1));
        String indent = text.substring(0, Math.min(left, text.length())).replaceAll("[^\\t]", " ");
        return "cell " + number + ", line " + line + ": " + (fault.isError() ? "error: " : "warning: ")
                + fault.getMessage(null).strip() + "\n    " + text + "\n    " + indent + "^".repeat(right - left);
    }
}

package parley.bridge;

import java.util.ArrayList;
import java.util.List;
import jdk.jshell.SourceCodeAnalysis;
import jdk.jshell.SourceCodeAnalysis.Completeness;
import jdk.jshell.SourceCodeAnalysis.CompletionInfo;

/** A cell cut into the snippets that jshell takes one at a time. */
record Pieces(List<Piece> list, Completeness completeness) {
    /** A snippet and where it starts in the cell. */
    record Piece(String source, int start, Completeness completeness) {
        boolean isWhole() {
            return completeness != Completeness.DEFINITELY_INCOMPLETE && completeness != Completeness.UNKNOWN;
        }
    }

    static Pieces of(SourceCodeAnalysis analysis, String code) {
        List<Piece> pieces = new ArrayList<>();
        int at = 0;
        while (true) {
            while (at < code.length() && Character.isWhitespace(code.charAt(at))) {
                at++;
            }
            CompletionInfo info = analysis.analyzeCompletion(code.substring(at));
            Completeness completeness = info.completeness();
            if (at >= code.length() || completeness == Completeness.EMPTY) {
                return new Pieces(pieces, pieces.isEmpty() ? Completeness.EMPTY : last(pieces));
            }
            int end = info.remaining() == null ? 0 : code.length() - info.remaining().length();
            Piece piece = new Piece(code.substring(at), at, completeness);
            if (!piece.isWhole() || end <= at) {
                pieces.add(piece);
                return new Pieces(pieces, completeness);
            }
            pieces.add(new Piece(code.substring(at, end), at, completeness));
            at = end;
        }
    }

    private static Completeness last(List<Piece> pieces) {
        return pieces.get(pieces.size() - 1).completeness();
    }
}

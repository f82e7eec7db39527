import SwiftParser
import SwiftSyntax

/// Whether a cell could be run as it stands: what a console asks before it sends a line.
enum Completeness {
  case complete
  case incomplete(indent: String)
  case invalid

  /// Code is incomplete when all that is missing in it is missing at its end.
  init(of source: String) {
    let tree = Parser.parse(source: source)
    let end = tree.endOfFileToken.position.utf8Offset
    let lastText = tree.endOfFileToken.previousToken(viewMode: .sourceAccurate)?
      .endPositionBeforeTrailingTrivia
    if Self.endsInComment(tree) {
      self = .incomplete(indent: "")
      return
    }
    guard tree.hasError else {
      self = .complete
      return
    }
    var isMissingAtEnd = false
    var unexpected = false
    for node in SyntaxWalk(root: Syntax(tree)) {
      if node.is(UnexpectedNodesSyntax.self) { unexpected = true }
      guard let token = node.as(TokenSyntax.self), token.presence == .missing else { continue }
      let isAtEnd = token.position.utf8Offset >= min(end, lastText?.utf8Offset ?? end)
      if !isAtEnd || token.tokenKind == .stringQuote || token.tokenKind == .singleQuote {
        self = .invalid
        return
      }
      isMissingAtEnd = true
    }
    self = isMissingAtEnd && !unexpected ? .incomplete(indent: Self.indent(after: source)) : .invalid
  }

  private static func endsInComment(_ tree: SourceFileSyntax) -> Bool {
    let end = tree.endOfFileToken
    let trivia =
      (end.previousToken(viewMode: .sourceAccurate)?.trailingTrivia.pieces ?? []) + end.leadingTrivia.pieces
    return trivia.contains { piece in
      switch piece {
      case .blockComment(let text), .docBlockComment(let text): !text.hasSuffix("*/") || text.utf8.count < 4
      default: false
      }
    }
  }

  private static func indent(after source: String) -> String {
    guard let line = source.lines.last(where: { !$0.allSatisfy(\.isWhitespace) }) else {
      return ""
    }
    let own = line.prefix { $0 == " " || $0 == "\t" }
    let opens = line.last { $0 != " " }.map { "{([".contains($0) } ?? false
    return own + (opens ? "  " : "")
  }
}

/// All nodes below one, missing ones too.
private struct SyntaxWalk: Sequence, IteratorProtocol {
  private var waiting: [Syntax]

  init(root: Syntax) { waiting = [root] }

  mutating func next() -> Syntax? {
    guard let node = waiting.popLast() else { return nil }
    waiting += node.children(viewMode: .all).reversed()
    return node
  }
}

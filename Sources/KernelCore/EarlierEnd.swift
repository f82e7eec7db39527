/// The end of a language's process that came while no cell of it ran, and that its next cell tells.
public struct EarlierEnd: Sendable {
  /// What happened, in the words of a cell that would have seen it.
  public var error: ErrorContent
  /// Whether it had run anything, so that something in its memory is lost.
  public var hadState: Bool

  public init(_ error: ErrorContent, hadState: Bool) {
    self.error = error
    self.hadState = hadState
  }

  /// What stands on stderr before the output of a cell that runs all the same.
  var notice: String {
    let loss =
      hadState ? "That was since its last cell; what it had in memory is lost. " : ""
    return "[\(happened)\n\(loss)It is started anew.]\n"
  }

  /// Why the cell is not run, where nobody is there to read a notice.
  var refusal: ErrorContent {
    ErrorContent(
      name: "StateLost", value: "\(error.value), since its last cell",
      traceback: [
        happened, "That was since its last cell; what it had in memory is lost, so this cell is not run.",
      ])
  }

  /// Without its last line, which says what becomes of the next cell.
  private var happened: String { error.traceback.dropLast().joined(separator: "\n") }
}

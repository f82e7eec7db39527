/// Where Parley keeps files of its own, by the XDG base directory specification.
public struct StatePaths: Sendable {
  private let environment: SpecEnvironment

  public init(environment: SpecEnvironment = .current()) {
    self.environment = environment
  }

  /// The file of the input history, one for each user: `PARLEY_HISTORY`, else
  /// `$XDG_STATE_HOME/parley/history.sqlite`, by default below `~/.local/state`. Nil when history is to
  /// be kept in memory only: `PARLEY_HISTORY=:memory:`, or no home.
  public var historyFile: String? {
    if let chosen = environment["PARLEY_HISTORY"] {
      return chosen == ":memory:"
        ? nil : PathText.absolute(environment.expandingTilde(chosen), in: environment.currentDirectory)
    }
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
      return PathText.join(state, "parley/history.sqlite")
    }
    return environment.home.map { PathText.join($0, ".local/state/parley/history.sqlite") }
  }
}

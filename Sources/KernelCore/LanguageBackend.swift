import JupyterProtocol
import KernelExecutor

/// What is known of a language, whether it runs or not.
public struct LanguageDescription: Sendable {
  public enum Availability: Sendable, Equatable {
    case installed
    /// What is missing, and the command that installs it.
    case missing(reason: String, install: String?)
  }

  public var name: String
  public var displayName: String
  public var aliases: [String]
  public var availability: Availability
  /// Where it comes from and what runs it, for people.
  public var origin: String
  /// JSON text of the specification's `language_info`.
  public var languageInfo: [UInt8]
  public var banner: String
  public var capabilities: Set<String>
  /// Whether `%%name` lines belong to the language.
  public var ownsCellMagics: Bool
  /// Whether text behind the language's name on the marker line is for the language.
  public var takesMarker: Bool
  /// What never changes in the debugger's answer to `debugInfo`, an object; nil until the language has told.
  public var debugger: JSONValue?

  public init(
    name: String, displayName: String, aliases: [String] = [], availability: Availability = .installed,
    origin: String = "", languageInfo: [UInt8], banner: String = "", capabilities: Set<String> = [],
    ownsCellMagics: Bool = false, takesMarker: Bool = false
  ) {
    self.name = name
    self.displayName = displayName
    self.aliases = aliases
    self.availability = availability
    self.origin = origin
    self.languageInfo = languageInfo
    self.banner = banner
    self.capabilities = capabilities
    self.ownsCellMagics = ownsCellMagics
    self.takesMarker = takesMarker
  }
}

/// A language that runs cells. All calls come on the kernel's loop and none blocks.
///
/// A backend never ends the kernel: whatever becomes of its process is an ``ExecuteOutcome``.
@KernelActor
public protocol LanguageBackend: AnyObject {
  var description: LanguageDescription { get }

  /// Whether its process is up, and since when it has state to lose.
  var isRunning: Bool { get }

  /// Process ids that belong to it, for usage figures.
  var processIDs: [Int32] { get }

  /// Starts it in the background, so that the first cell waits less. Failures are told by the first cell.
  func prepare()

  /// Runs code to its end. Calls for one backend may overlap; it runs them one after the other, or beside each
  /// other where they come from different subshells and the language can do that.
  ///
  /// - Parameter marker: what follows the name on the marker line; empty unless the description takes it.
  func execute(
    _ code: String, marker: String, of execution: Execution, expressions: [UInt8]
  ) async -> ExecuteOutcome

  /// Asks a question that leaves state alone: `complete_request`, `inspect_request`, `is_complete_request`.
  /// - Returns: the reply's content, or nil when the language does not answer (in time).
  func query(_ messageType: String, content: [UInt8]) async -> [UInt8]?

  /// Delivers a comm message; returns when the language is done with it.
  /// - Returns: false when there was nobody to take it: the language does not run, or could not start.
  @discardableResult
  func comm(_ message: IncomingMessage) async -> Bool

  /// Delivers a debugger's request; nil when the language has no debugger.
  func debug(_ content: [UInt8]) async -> [UInt8]?

  /// A subshell is gone; what it still has to do it may finish.
  func closeSubshell(_ id: String)

  /// Stops what runs, a cell or a comm's handler, the state kept if the language can; a further call for the same
  /// escalates. Does nothing when nothing runs.
  func interrupt()

  /// Ends the process; the next cell starts a new one.
  func restart() async

  /// Ends the process for good, at the latest after `limit`.
  func shutdown(within limit: Duration) async
}

extension LanguageBackend {
  public func closeSubshell(_ id: String) {}
}

/// Where a backend's output goes. Calls take effect in order.
@KernelActor
public protocol BackendOutput: AnyObject {
  /// Text printed by a cell. The bytes are valid UTF-8.
  func stream(_ name: String, _ text: [UInt8], of execution: Execution?)

  /// A display, result, error, comm message, ... with its content as JSON text.
  /// - Returns: false when the content is not valid, which is the backend's fault; nothing was published.
  func publish(
    _ messageType: String, content: [UInt8], metadata: [UInt8]?, buffers: [[UInt8]], of execution: Execution?,
    from backend: any LanguageBackend
  ) -> Bool

  /// Asks the user; returns when there is an answer or there can be none.
  func ask(_ prompt: String, password: Bool, of execution: Execution) async -> InputAnswer

  /// The language takes `comm_open` messages for that target from now on.
  func registerTarget(_ name: String, for backend: any LanguageBackend)

  /// Tells a cell that its language has ended since the last one, with what it had in memory.
  /// - Parameter end: what a cell would have seen.
  /// - Returns: why the cell is not run; nil when it runs in the language started anew.
  func tell(lostState end: ErrorContent, before execution: Execution) -> ErrorContent?

  /// The language's process has ended, and its comms with it.
  func ended(_ backend: any LanguageBackend)
}

/// What became of a question to the user.
public enum InputAnswer: Sendable, Equatable {
  case value(String)
  case endOfFile
  /// The cell may not ask.
  case refused(ErrorContent)
  /// The cell was stopped or has ended: there is no answer, and the language knows it by its interrupt.
  case withdrawn
}

/// Knows which languages there are and makes their backends.
@KernelActor
public protocol LanguageProvider: AnyObject {
  /// The language of that name or alias; nil when there is none.
  func language(named name: String) -> LanguageDescription?

  /// All of them, in order of precedence.
  func allLanguages() -> [LanguageDescription]

  /// A backend that has not been started.
  /// - Parameter instance: a name that tells several of one language apart; empty for the usual one.
  /// - Throws: what the user is told when it is not installed any more.
  func makeBackend(
    for language: LanguageDescription, instance: String, output: any BackendOutput
  ) throws(ErrorContent) -> any LanguageBackend
}

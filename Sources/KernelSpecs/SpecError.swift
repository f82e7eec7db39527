/// What went wrong with a manifest, a kernelspec, an interpreter or an installation, as one line.
///
/// The text always says what failed, on what, and what to do; the program prints it after `parley: `
/// and ends with the exit code that belongs to ``kind``.
public struct SpecError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The classes of failure; each has an exit code of its own (see docs/reference.md).
  public enum Kind: String, Equatable, Sendable {
    /// The command line asks for something impossible.
    case usage
    /// A file or folder that was named does not exist.
    case inputMissing
    /// A program, usually an interpreter, is not installed.
    case missing
    /// A file or folder cannot be written.
    case cannotCreate
    /// The user may not write or read there.
    case permission
    /// A manifest, a kernelspec or a setting is wrong.
    case configuration
  }

  public let kind: Kind
  /// What failed and on what, without a full stop.
  public let failure: String
  /// What to do about it, or an empty string when there is nothing to advise.
  public let remedy: String

  public init(_ kind: Kind, _ failure: String, remedy: String = "") {
    self.kind = kind
    self.failure = Self.oneLine(failure)
    self.remedy = Self.oneLine(remedy)
  }

  public var description: String { remedy.isEmpty ? failure : "\(failure); \(remedy)" }

  /// A path or a name may hold a line break; a message of several lines would break the promise.
  private static func oneLine(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.value < 0x20 }) else { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 ? " " : $0 }))
  }
}

import Glibc

/// A system call that failed: what was tried, and the error number with its text.
public struct SystemError: Error, Sendable, CustomStringConvertible {
  public let attempt: String
  public let code: Int32

  /// - Parameter code: the error number; `errno` of this thread by default.
  public init(_ attempt: String, code: Int32 = errno) {
    self.attempt = attempt
    self.code = code
  }

  public var description: String { "\(attempt): \(Self.text(of: code))" }

  /// The text the system has for an error number.
  public static func text(of code: Int32) -> String {
    strerror(code).map { String(cString: $0) } ?? "error \(code)"
  }
}

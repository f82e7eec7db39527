import Glibc
import KernelExecutor
import NotebookRunner
import PosixSupport

/// A store that knows which version it holds: what a first save is made conditional on.
@KernelActor
public protocol RemoteStore: NotebookStore {
  /// The version there is now, as ``WritePrecondition/matches(_:)`` takes it; nil when there is nothing, empty
  /// when the place does not say.
  func version(of uri: String) async throws -> String?
}

/// The stores behind addresses, and the thread and connections they share. Nothing starts before the first use.
@KernelActor
public final class RemoteStores {
  private static let defaultPatience = 30

  private let worker = WorkerThread(name: "network")
  private let client: HTTPClient
  private let environment: [String: String]

  /// - Parameter environment: where regions, credentials and endpoints are looked up.
  public init(version: String, environment: [String: String]) {
    let patience = environment["PARLEY_STORAGE_TIMEOUT"].flatMap(Int.init).map { min(max($0, 1), 3600) }
    let authorities = ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"].compactMap { environment[$0] }
    client = HTTPClient(
      userAgent: "parley/\(version)", patience: patience ?? Self.defaultPatience,
      authorities: authorities.first { !$0.isEmpty })
    self.environment = environment
  }

  /// The store for the address, nil when no store knows its scheme.
  public func store(for uri: String) -> (any RemoteStore)? {
    switch Self.scheme(of: uri) {
    case "http", "https": HTTPStore(client, worker)
    case "s3": S3Store(S3Client(client, environment: environment), worker)
    default: nil
    }
  }

  /// The run shall end: requests that fail are not sent again for long.
  public func hurry() { client.hurry() }

  /// What stands before `://`, in lower case; nil for a path.
  public nonisolated static func scheme(of text: String) -> String? {
    guard let end = text.firstRange(of: "://"), end.lowerBound != text.startIndex else { return nil }
    let scheme = text[..<end.lowerBound]
    let isName = scheme.utf8.allSatisfy {
      ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z")
        || $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") || "+-.".utf8.contains($0)
    }
    return isName ? scheme.lowercased() : nil
  }

  /// An address as records and messages may show it: without name, password and query. A path stays as it is.
  public nonisolated static func label(of text: String) -> String {
    switch scheme(of: text) {
    case "http", "https": HTTPRequest.withoutSecrets(text)
    default: text
    }
  }
}

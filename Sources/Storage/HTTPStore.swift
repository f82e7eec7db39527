import KernelExecutor
import NotebookRunner
import PosixSupport

/// Notebooks behind `http://` and `https://`: GET reads, PUT writes.
///
/// Where the server gives an ETag a write is bound to the version it replaces.
@KernelActor
final class HTTPStore: RemoteStore {
  private let client: HTTPClient
  private let worker: WorkerThread
  private let unsettled = UnsettledWrites()

  init(_ client: HTTPClient, _ worker: WorkerThread) {
    self.client = client
    self.worker = worker
  }

  func read(_ uri: String) async throws -> [UInt8] {
    let client = client
    return try await worker.run {
      let answer = try Self.get(uri, client)
      guard answer.status == 200 else { throw Self.error("cannot read", uri, answer) }
      return answer.body
    }
  }

  func exists(_ uri: String) async throws -> Bool {
    let client = client
    return try await worker.run { try Self.head(uri, client) != nil }
  }

  func version(of uri: String) async throws -> String? {
    let client = client
    return try await worker.run { try Self.head(uri, client).map(Self.tag) }
  }

  func write(_ bytes: [UInt8], to uri: String, _ precondition: WritePrecondition) async throws -> String {
    let (client, unsettled) = (client, unsettled)
    return try await worker.run {
      try unsettled.write(bytes, precondition) {
        try Self.put(bytes, uri, $0, client)
      } present: {
        let answer = try Self.get(uri, client)
        guard answer.status == 200 else { throw Self.error("cannot read", uri, answer) }
        return (answer.body, Self.tag(answer))
      }
    }
  }

  private nonisolated static func put(
    _ bytes: [UInt8], _ uri: String, _ precondition: WritePrecondition, _ client: HTTPClient
  ) throws -> String {
    var request = HTTPRequest("PUT", uri)
    request.readsNetrc = true
    request.headers = [("Content-Type", "application/x-ipynb+json")]
    request.body = bytes
    switch precondition {
    case .absent: request.headers.append(("If-None-Match", "*"))
    case .matches(let tag) where !tag.isEmpty: request.headers.append(("If-Match", tag))
    case .none, .matches: break
    }
    let answer = try client.send { request }
    guard answer.isSuccess else { throw error("cannot write", uri, answer) }
    return tag(answer)
  }

  /// Empty when nothing can be made conditional on it: no tag, or a weak one, which matches nothing.
  private nonisolated static func tag(_ answer: HTTPResponse) -> String {
    answer.tag.flatMap { $0.hasPrefix("W/") ? nil : $0 } ?? ""
  }

  private nonisolated static func get(_ uri: String, _ client: HTTPClient) throws -> HTTPResponse {
    try client.send {
      var request = HTTPRequest("GET", uri)
      request.followsRedirects = true
      request.readsNetrc = true
      return request
    }
  }

  /// nil when there is nothing. A server that refuses HEAD says nothing of versions; an address that is signed for
  /// PUT refuses it too.
  private nonisolated static func head(_ uri: String, _ client: HTTPClient) throws -> HTTPResponse? {
    let answer = try client.send {
      var request = HTTPRequest("HEAD", uri)
      request.followsRedirects = true
      request.readsNetrc = true
      return request
    }
    if answer.status == 404 || answer.status == 410 { return nil }
    if answer.isSuccess || answer.status == 501 { return answer }
    guard (400..<500).contains(answer.status), !answer.isTransient else {
      throw error("cannot read", uri, answer)
    }
    return HTTPResponse(status: answer.status, head: "", body: [])
  }

  private nonisolated static func error(_ attempt: String, _ uri: String, _ answer: HTTPResponse)
    -> StorageError
  {
    let place = HTTPRequest.withoutSecrets(uri)
    let said = "\(attempt) \(place): the server says \(answer.status)"
    switch answer.status {
    case 300..<400:
      let target = answer.headers["location"].map { HTTPRequest.withoutSecrets($0) } ?? "another address"
      return StorageError(.failed, "\(said), it is at \(target)", remedy: "name that address")
    case 401, 407:
      return StorageError(
        .permission, "\(said), it wants a name and password",
        remedy: "put them into ~/.netrc for this host")
    case 403: return StorageError(.permission, "\(said), forbidden", remedy: "ask for the right to do so")
    case 404, 410: return StorageError(.missing, "\(said), not found", remedy: "check the address")
    case 405, 501:
      return StorageError(
        .failed, "\(said), it does not do that",
        remedy: "name a server that takes PUT, or a file")
    case 409, 412:
      return StorageError(
        .conflict, "\(place) was written by somebody else meanwhile",
        remedy: "look at it, or name another output")
    case 429: return StorageError(.failed, "\(said), too many requests", remedy: "try again later")
    case 500...: return StorageError(.failed, "\(said)", remedy: "try again later")
    default: return StorageError(.failed, "\(said)", remedy: "check the address")
    }
  }
}

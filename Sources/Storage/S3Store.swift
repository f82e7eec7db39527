import KernelExecutor
import NotebookRunner
import PosixSupport

/// Notebooks in S3 and what speaks its protocol. Writes are bound to the version they replace.
@KernelActor
final class S3Store: RemoteStore {
  private let client: S3Client
  private let worker: WorkerThread
  private let unsettled = UnsettledWrites()

  init(_ client: S3Client, _ worker: WorkerThread) {
    self.client = client
    self.worker = worker
  }

  func read(_ uri: String) async throws -> [UInt8] {
    let (client, address) = (client, try S3Address(uri))
    return try await worker.run { try Self.get(address, client).body }
  }

  func exists(_ uri: String) async throws -> Bool {
    try await version(of: uri) != nil
  }

  func version(of uri: String) async throws -> String? {
    let (client, address) = (client, try S3Address(uri))
    return try await worker.run { try Self.head(address, client) }
  }

  func write(_ bytes: [UInt8], to uri: String, _ precondition: WritePrecondition) async throws -> String {
    let (client, unsettled, address) = (client, unsettled, try S3Address(uri))
    return try await worker.run {
      try unsettled.write(bytes, precondition) {
        try Self.put(bytes, address, $0, client)
      } present: {
        let response = try Self.get(address, client)
        return (response.body, response.tag ?? "")
      }
    }
  }

  // MARK: - On the worker

  private nonisolated static func get(_ address: S3Address, _ client: S3Client) throws -> HTTPResponse {
    let response = try client.send("GET", address)
    guard response.status == 200 else { throw S3Error(response).storageError("cannot read", address) }
    return response
  }

  private nonisolated static func head(_ address: S3Address, _ client: S3Client) throws -> String? {
    let response = try client.send("HEAD", address)
    if response.status == 404 { return nil }
    // Who may write need not be allowed to read; an answer to HEAD has no room for what else may be wrong.
    if response.status == 403 { return "" }
    guard response.isSuccess else { throw S3Error(response).storageError("cannot read", address) }
    return response.tag ?? ""
  }

  private nonisolated static func put(
    _ bytes: [UInt8], _ address: S3Address, _ precondition: WritePrecondition, _ client: S3Client
  ) throws -> String {
    let headers = condition(precondition)
    let answer = try send(bytes, address, headers, client)
    if answer.isSuccess { return answer.tag ?? "" }
    let error = S3Error(answer)
    if answer.status == 501, !headers.isEmpty {
      // A store without conditional writes: the check is ours then, with a moment between check and write.
      try check(precondition, address, client)
      let answer = try send(bytes, address, [], client)
      if answer.isSuccess { return answer.tag ?? "" }
      throw S3Error(answer).storageError("cannot write", address)
    }
    if answer.status == 403, case .matches = precondition, !headers.isEmpty, try head(address, client) == "" {
      // Who may write but not read may not name a version either.
      let answer = try send(bytes, address, [], client)
      if answer.isSuccess { return answer.tag ?? "" }
      throw S3Error(answer).storageError("cannot write", address)
    }
    if case .matches = precondition, error.code == "NoSuchKey" || error.code.isEmpty && answer.status == 404 {
      throw gone(address)
    }
    throw error.storageError("cannot write", address)
  }

  private nonisolated static func send(
    _ bytes: [UInt8], _ address: S3Address, _ condition: [(String, String)], _ client: S3Client
  ) throws -> HTTPResponse {
    let type = [("content-type", "application/x-ipynb+json")]
    if bytes.count > S3Multipart.threshold {
      return try S3Multipart(client, address).upload(bytes, headers: type, condition: condition)
    }
    return try client.send("PUT", address, headers: type + condition, body: bytes)
  }

  private nonisolated static func condition(_ precondition: WritePrecondition) -> [(String, String)] {
    switch precondition {
    case .absent: [("if-none-match", "*")]
    case .matches(let tag) where !tag.isEmpty: [("if-match", tag)]
    case .none, .matches: []
    }
  }

  private nonisolated static func check(
    _ precondition: WritePrecondition, _ address: S3Address, _ client: S3Client
  ) throws {
    let present = try head(address, client)
    switch precondition {
    case .absent where present != nil:
      throw StorageError(.conflict, "\(address.text) exists already", remedy: "name another output")
    case .matches where present == nil: throw gone(address)
    case .matches(let tag) where present != tag:
      throw StorageError(
        .conflict, "\(address.text) was written by somebody else meanwhile",
        remedy: "look at it, or name another output")
    default: break
    }
  }

  private nonisolated static func gone(_ address: S3Address) -> StorageError {
    StorageError(
      .conflict, "\(address.text) was removed by somebody else meanwhile", remedy: "name another output")
  }
}

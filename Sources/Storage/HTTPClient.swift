import CCurl
import Glibc
import NotebookRunner
import PosixSupport
import Synchronization

/// Sends requests by libcurl, again when that may help.
///
/// Everything blocks: it is called on the worker of the stores alone.
/// Invariant: `handle` is touched only on that worker, and in deinit.
final class HTTPClient: @unchecked Sendable {
  private static let longestPause = 5.0

  private var handle: UnsafeMutableRawPointer?
  private let userAgent: String
  /// A file of certificates in place of the system's.
  private let authorities: String?
  /// How long to go on trying, in seconds.
  let patience: Int
  private let isHurried = Atomic(false)

  init(userAgent: String, patience: Int, authorities: String? = nil) {
    self.userAgent = userAgent
    self.authorities = authorities
    self.patience = patience
  }

  deinit { ccurl_close(handle) }

  /// Somebody waits for the end: from now on a request that fails is not sent again for long.
  func hurry() { isHurried.store(true, ordering: .relaxed) }

  /// Sends a request that may be sent twice, until there is an answer that stands.
  /// - Parameters:
  ///   - isTransient: whether an answer is of the moment only.
  ///   - prepare: makes the request anew for each time, since signatures hold for minutes.
  func send(
    isTransient: (HTTPResponse) -> Bool = \.isTransient, _ prepare: () throws -> HTTPRequest
  ) throws -> HTTPResponse {
    let begun = EventLoop.now()
    var attempt = 0
    while true {
      var request = try prepare()
      request.stallSeconds = min(request.stallSeconds, patience)
      request.connectSeconds = min(request.connectSeconds, patience)
      var problem: StorageError?
      var pause = Double.random(in: 0.5...1) * min(Self.longestPause, 0.2 * Double(1 << min(attempt, 10)))
      do {
        let response = try perform(request)
        if let seconds = response.headers["retry-after"].flatMap(Double.init), seconds.isFinite {
          pause = min(max(pause, seconds), Double(patience))
        }
        guard isTransient(response), !isOver(begun, pause) else { return response }
      } catch let failure as TransferFailure {
        guard failure.isTransient else { throw failure.error }
        problem = failure.error
      }
      if isOver(begun, pause), let problem { throw problem }
      attempt += 1
      usleep(UInt32(pause * 1_000_000))
    }
  }

  private func isOver(_ begun: UInt64, _ pause: Double) -> Bool {
    let limit = isHurried.load(ordering: .relaxed) ? min(patience, 3) : patience
    return Double(EventLoop.now() - begun) / 1e9 + pause > Double(limit)
  }

  /// Once, without another try.
  func perform(_ request: HTTPRequest) throws -> HTTPResponse {
    let handle = try opened()
    var headers = request.headers.map { "\($0.0): \($0.1)" }
    // A wait for `100 Continue` costs a second with servers that do not know it.
    headers += ["User-Agent: \(userAgent)", "Expect:"]
    // libcurl would call a body without a type a form.
    if !request.headers.contains(where: { $0.0.lowercased() == "content-type" }) {
      headers.append("Content-Type:")
    }
    let lines = headers.map { strdup($0) }
    let file = authorities.flatMap { strdup($0) }
    defer { for line in lines + [file] { free(line) } }
    var response = ccurl_response()
    defer { ccurl_release(&response) }
    request.method.withCString { method in
      request.url.withCString { url in
        lines.map { UnsafePointer($0) }.withUnsafeBufferPointer { lines in
          // A body without bytes is one all the same.
          (request.body ?? []).withUnsafeBytes { body in
            var transfer = ccurl_request()
            transfer.method = method
            transfer.url = url
            transfer.headers = lines.baseAddress
            transfer.header_count = lines.count
            transfer.body = request.body == nil ? nil : body.baseAddress ?? UnsafeRawPointer(method)
            transfer.body_size = body.count
            transfer.limit = request.limit
            transfer.authorities = file.map { UnsafePointer($0) }
            transfer.connect_milliseconds = request.connectSeconds * 1000
            transfer.stall_seconds = request.stallSeconds
            transfer.total_milliseconds = request.totalSeconds * 1000
            transfer.follows_redirects = request.followsRedirects ? 1 : 0
            transfer.reads_netrc = request.readsNetrc ? 1 : 0
            transfer.ignores_proxies = request.ignoresProxies ? 1 : 0
            ccurl_perform(handle, &transfer, &response)
          }
        }
      }
    }
    guard response.outcome == CCURL_DONE else { throw TransferFailure(response, request) }
    let head = UnsafeRawBufferPointer(start: response.headers, count: response.headers_size)
    let body = UnsafeRawBufferPointer(start: response.body, count: response.body_size)
    return HTTPResponse(
      status: response.status, head: String(decoding: head, as: UTF8.self), body: Array(body))
  }

  private func opened() throws -> UnsafeMutableRawPointer {
    if let handle { return handle }
    var problem: UnsafePointer<CChar>?
    guard let handle = ccurl_open(&problem) else {
      throw StorageError(
        .failed, "remote addresses need libcurl: \(problem.map { String(cString: $0) } ?? "unknown")",
        remedy: "apt-get install libcurl4")
    }
    self.handle = handle
    return handle
  }
}

/// A transfer without an answer.
private struct TransferFailure: Error {
  let error: StorageError
  let isTransient: Bool

  init(_ response: ccurl_response, _ request: HTTPRequest) {
    let detail = withUnsafeBytes(of: response.problem) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    let attempt = request.body == nil ? "cannot read" : "cannot write"
    switch response.outcome {
    case CCURL_TOO_LARGE:
      error = StorageError(
        .failed, "\(attempt) \(request.place): it is larger than \(request.limit >> 20) MiB",
        remedy: "name another notebook")
    case CCURL_TIMEOUT:
      error = StorageError(
        .failed, "\(attempt) \(request.place): no answer in time (\(detail))",
        remedy: "check the address and the network; PARLEY_STORAGE_TIMEOUT is how many seconds to wait")
    default:
      error = StorageError(
        .failed, "\(attempt) \(request.place): \(detail)", remedy: "check the address and the network")
    }
    isTransient = response.outcome == CCURL_CONNECTION || response.outcome == CCURL_TIMEOUT
  }
}
